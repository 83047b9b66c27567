"""Setting a student's password: in the auth service and in the log, or in neither."""

import threading
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tests.support.auth_service import AuthService
from tripwire_db import AuthFailed, ConstraintViolated, NotFound, Refused
from tripwire_db.engine.within import Within
from tripwire_db.flows.reset_password import reset_password as log_reset
from tripwire_db.flows.shared.context import FlowContext


@pytest.fixture
def auth(module_url: str) -> AuthService:
    return AuthService(module_url)


@pytest.fixture
def it(make_world: Callable[..., World], auth: AuthService, clock: Clock) -> World:
    return make_world(auth=auth, clock=clock)


def test_the_student_logs_in_with_the_new_password_and_who_set_it_is_logged(it: World, auth: AuthService, clock: Clock):
    seller = it.manager()
    student = it.student(seller, password="old")
    untouched = [row for row in it.dump() if row[0] not in ("auth.users", "public.sales_activity_log")]
    clock.advance(60)
    reset = it.repository.reset_password(user_id=student.user_id, password="new", manager_id=seller.user_id)
    assert (reset.user_id, reset.at) == (student.user_id, clock.now)
    assert auth.logs_in(student.email, "new")
    assert not auth.logs_in(student.email, "old")
    log = it.row("sales_activity_log", action_type="password_reset")
    assert (log["manager_id"], log["target_user_id"], log["created_at"]) == (seller.user_id, student.user_id, clock.now)
    assert log["details"] == {"email": student.email, "full_name": student.full_name}
    assert untouched == [row for row in it.dump() if row[0] not in ("auth.users", "public.sales_activity_log")]


def test_the_seller_and_an_admin_may_and_nobody_else(it: World, auth: AuthService):
    seller, other, support, admin = (
        it.manager(),
        it.manager(),
        it.manager(role="tech_support"),
        it.manager(role="admin"),
    )
    student = it.student(seller, password="old")
    before = it.dump()
    for stranger in (other, support):
        with pytest.raises(Refused, match="ask whoever sold the student, or an admin"):
            it.repository.reset_password(user_id=student.user_id, password="x", manager_id=stranger.user_id)
    for nobody in (uuid4(), student.user_id):
        with pytest.raises(NotFound, match="no manager"):
            it.repository.reset_password(user_id=student.user_id, password="x", manager_id=nobody)
    for no_student in (uuid4(), seller.user_id):
        with pytest.raises(NotFound, match="no student"):
            it.repository.reset_password(user_id=no_student, password="x", manager_id=admin.user_id)
    assert it.dump() == before
    it.repository.reset_password(user_id=student.user_id, password="by admin", manager_id=admin.user_id)
    assert auth.logs_in(student.email, "by admin")


def test_where_the_auth_service_refuses_the_password_stays_and_nothing_is_logged(it: World, auth: AuthService):
    seller = it.manager()
    student = it.student(seller, password="old")
    before = it.dump()

    def refusal(_: str) -> None:
        raise AuthFailed("told to refuse; call again", applied=False)

    auth.before = refusal
    with pytest.raises(AuthFailed, match="told to refuse"):
        it.repository.reset_password(user_id=student.user_id, password="new", manager_id=seller.user_id)
    assert it.dump() == before


def test_where_the_log_refuses_the_password_stays(it: World, auth: AuthService):
    seller = it.manager()
    student = it.student(seller, password="old")
    with it.planted("sales_activity_log"), pytest.raises(ConstraintViolated) as raised:
        it.repository.reset_password(user_id=student.user_id, password="new", manager_id=seller.user_id)
    assert raised.value.step == "log_reset"
    assert auth.logs_in(student.email, "old")


def test_logged_under_its_id_already_it_is_not_logged_again_and_tells_when_it_was(it: World, clock: Clock):
    seller = it.manager()
    student = it.student(seller)
    asked = {"user_id": student.user_id, "manager_id": seller.user_id, "activity_id": uuid4()}
    told = []
    for _ in range(2):
        clock.advance(60)
        with it.connection.transaction():
            told.append(Within(it.connection).run(log_reset(FlowContext(clock=clock), **asked)))
    assert told[0] == told[1]
    assert it.row("sales_activity_log", action_type="password_reset")["created_at"] == told[0].at


def test_whoever_is_told_last_of_two_at_once_has_set_what_logs_in(it: World, auth: AuthService):
    seller = it.manager()
    student = it.student(seller)
    told: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    def slowly(_: str) -> None:
        auth.before = lambda _: None
        inside.set()
        assert go_on.wait(30)

    def reset(password: str) -> None:
        it.repository.reset_password(user_id=student.user_id, password=password, manager_id=seller.user_id)
        told.append(password)

    auth.before = slowly
    first = threading.Thread(target=reset, args=("first",))
    second = threading.Thread(target=reset, args=("second",))
    first.start()
    assert inside.wait(30)
    second.start()
    it.wait_for_locks(1)
    go_on.set()
    first.join()
    second.join()
    assert sorted(told) == ["first", "second"]
    assert auth.logs_in(student.email, "second"), "the second came to the lock behind the first"
    assert it.count("sales_activity_log", action_type="password_reset") == 2
