"""The auth user that a call left behind is resumed by the next with its own password, or removed, and nobody else with it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests.backend.flows.auth_user import EMAIL, auth_user, half_made, heal, refuse
from tests.backend.flows.world import World
from tests.support.auth_service import AuthService
from tripwire_db import AuthFailed, ConstraintViolated, EmailTaken


@pytest.fixture
def auth(module_url: str) -> AuthService:
    return AuthService(module_url)


@pytest.fixture
def it(make_world: Callable[..., World], auth: AuthService) -> World:
    return make_world(auth=auth)


# -- resumption -------------------------------------------------------------------------------------------------------


def test_whoever_resumes_logs_in_with_what_they_gave_and_nobody_with_what_the_first_call_gave(
    it: World, auth: AuthService
):
    manager, left = it.manager(), half_made(it, password="first")
    student = it.student(manager, email=EMAIL, full_name="Second", password="second")
    assert (student.user_id, student.created) == (left, True)
    assert auth.logs_in(EMAIL, "second")
    assert not auth.logs_in(EMAIL, "first")
    row = auth_user(it, left)
    assert row["raw_user_meta_data"] == {"full_name": "Second"}
    assert row["raw_app_meta_data"]["tripwire"]["kind"] == "student"
    assert {it.row("users", id=left)["full_name"], it.row("tripwire_users")["full_name"]} == {"Second"}


class KeepsNoClaim(AuthService):
    """An auth service that changes password, name and e-mail, and cannot keep who did it."""

    def update_user(  # type: ignore[override]
        self,
        *,
        id: UUID,  # noqa: A002
        password: str | None = None,
        full_name: str | None = None,
        email: str | None = None,
    ) -> None:
        super().update_user(id=id, password=password, full_name=full_name, email=email)


def test_an_auth_service_that_keeps_no_claim_resumes_as_well(make_world: Callable[..., World], module_url: str):
    auth = KeepsNoClaim(module_url)
    it = make_world(auth=auth)
    manager, left = it.manager(), half_made(it, password="first")
    student = it.student(manager, email=EMAIL, full_name="Second", password="second")
    assert (student.user_id, student.created) == (left, True)
    assert auth.logs_in(EMAIL, "second")


def test_a_manager_is_resumed_in_the_same_way(it: World, auth: AuthService):
    left = half_made(it, "manager", password="first")
    manager = it.manager(email=EMAIL, full_name="Second", password="second")
    assert (manager.user_id, manager.full_name, manager.created) == (left, "Second", True)
    assert auth.logs_in(EMAIL, "second")


def test_the_deletion_of_somebody_else_says_nothing_of_the_one_left_behind(it: World):
    manager = it.manager()
    it.repository.delete_student(user_id=it.student(manager).user_id, manager_id=manager.user_id)
    with it.planted("user_statistics"), pytest.raises(ConstraintViolated):
        it.student(manager, email="refused@course.kz")
    assert not it.connection.execute("SELECT FROM auth.users WHERE email ~ 'refused'").fetchall(), (
        "the call that made it takes it back"
    )
    left = half_made(it)
    student = it.student(manager, email=EMAIL)
    assert (student.user_id, student.created) == (left, True)


def test_what_else_the_log_says_of_the_one_left_behind_keeps_nobody_from_resuming_it(it: World):
    left = half_made(it)
    it.repository.log_activity(manager_id=None, action_type="email_sent", target_user_id=left)
    assert it.student(email=EMAIL).user_id == left
    assert [action for action, _ in it.log(left)] == ["email_sent", "user_created"]


def test_whoever_resumes_without_a_password_leaves_none_that_anybody_knows(it: World, auth: AuthService):
    manager, left = it.manager(), half_made(it, password="first")
    assert it.student(manager, email=EMAIL).user_id == left
    assert not auth.logs_in(EMAIL, "first")


def test_the_password_of_a_complete_student_is_untouched(it: World, auth: AuthService):
    manager = it.manager()
    it.student(manager, email=EMAIL, password="first")
    assert not it.student(manager, email=EMAIL, password="second").created
    assert auth.logs_in(EMAIL, "first")
    assert not auth.logs_in(EMAIL, "second")


def test_a_resumption_that_the_auth_service_refuses_writes_nothing_and_the_next_call_resumes(
    it: World, auth: AuthService
):
    manager, left = it.manager(), half_made(it, password="first")
    refuse("update_user", auth)
    before = it.dump()
    with pytest.raises(AuthFailed, match="call again"):
        it.student(manager, email=EMAIL, password="second")
    assert it.dump() == before
    heal(auth)
    assert it.student(manager, email=EMAIL, password="third").user_id == left
    assert auth.logs_in(EMAIL, "third")


def test_a_slower_resumption_does_not_set_its_password_after_another_was_told_created(it: World, auth: AuthService):
    """Both have seen a half-made student; one is slow to set the password."""
    manager = it.manager()
    half_made(it, password="first")
    reached, go_on = threading.Event(), threading.Event()

    def hold(method: str) -> None:
        if method == "update_user" and not reached.is_set():
            reached.set()
            assert go_on.wait(30)

    auth.before = hold
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(it.student, manager, email=EMAIL, password="slow")
        assert reached.wait(30)
        quick = threads.submit(it.student, manager, email=EMAIL, password="quick")
        it.wait_for_locks(1)
        go_on.set()
        outcomes = {"slow": slow.result(30), "quick": quick.result(30)}
    (told,) = (password for password, student in outcomes.items() if student.created)
    assert auth.logs_in(EMAIL, told)


def test_a_call_whose_auth_user_was_taken_over_writes_no_rows_for_a_password_that_is_not_its_own(
    it: World, auth: AuthService
):
    """The one that made it is told created only with its own password, which another call has replaced, and died."""
    manager = it.manager()

    def taken_over(method: str) -> None:
        if method == "create_user":
            auth.after = lambda _: None
            it.execute(
                "UPDATE auth.users SET encrypted_password = 'another', raw_app_meta_data ="
                " jsonb_build_object('tripwire', jsonb_build_object('kind', 'student', 'token', gen_random_uuid()))"
                " WHERE email = %s",
                EMAIL,
            )

    auth.after = taken_over
    student = it.student(manager, email=EMAIL, password="mine")
    assert student.created
    assert auth.logs_in(EMAIL, "mine")
    assert [action for action, _ in it.log(student.user_id)] == ["user_created"]


# -- deletion and re-enrolment ----------------------------------------------------------------------------------------


@pytest.fixture
def half_deleted(it: World, auth: AuthService) -> Any:
    """A student whose rows are deleted, and whose auth user could not be."""
    student = it.student(email=EMAIL, password="old")
    refuse("delete_user", auth)
    with pytest.raises(AuthFailed, match="call again to finish"):
        it.repository.delete_student(user_id=student.user_id, manager_id=student.manager_id)
    heal(auth)
    assert auth_user(it, student.user_id)
    return student


def test_whoever_buys_with_the_email_of_a_half_done_deletion_gets_a_new_id_and_no_old_password(
    it: World, auth: AuthService, half_deleted: Any
):
    again = it.student(it.manager(), email=EMAIL, password="new")
    assert again.created
    assert again.user_id != half_deleted.user_id
    assert auth.logs_in(EMAIL, "new")
    assert not auth_user(it, half_deleted.user_id)


def test_a_deletion_called_again_never_touches_who_was_enrolled_since(it: World, auth: AuthService, half_deleted: Any):
    again = it.student(it.manager(), email=EMAIL, password="new")
    before = it.dump()
    asked = {"user_id": half_deleted.user_id, "manager_id": half_deleted.manager_id}
    assert not it.repository.delete_student(**asked).deleted
    assert it.dump() == before
    assert it.count("tripwire_users", user_id=again.user_id) == 1


def test_a_manager_may_get_the_email_of_a_half_done_deletion(it: World, half_deleted: Any):
    manager = it.manager(email=EMAIL)
    assert manager.created
    assert manager.user_id != half_deleted.user_id


def test_where_the_rest_of_a_deletion_cannot_be_removed_nothing_is_made_and_the_next_call_does_it(
    it: World, auth: AuthService, half_deleted: Any
):
    manager = it.manager()
    refuse("delete_user", auth)
    before = it.dump()
    with pytest.raises(AuthFailed, match=r"deletion was not finished.*call again"):
        it.student(manager, email=EMAIL)
    assert it.dump() == before
    heal(auth)
    assert it.student(manager, email=EMAIL).created


def test_a_student_who_is_sold_again_during_the_deletion_loses_nothing(it: World, auth: AuthService):
    student = it.student(email=EMAIL, password="old")
    asked = {"user_id": student.user_id, "manager_id": student.manager_id}
    manager = it.manager()
    deleting, go_on = threading.Event(), threading.Event()

    def hold(method: str) -> None:
        if method == "delete_user" and not deleting.is_set():
            deleting.set()
            assert go_on.wait(30)

    auth.before = hold
    with ThreadPoolExecutor(2) as threads:
        gone = threads.submit(it.repository.delete_student, **asked)
        assert deleting.wait(30)
        coming = threads.submit(it.student, manager, email=EMAIL, password="new")
        it.wait_for_locks(1)
        go_on.set()
        assert gone.result(30).deleted
        again = coming.result(30)
    assert again.created
    assert again.user_id != student.user_id
    assert auth.logs_in(EMAIL, "new")
    assert it.count("tripwire_users", user_id=again.user_id) == 1


def test_the_gate_writes_no_rows_for_an_id_that_was_deleted(it: World, auth: AuthService):
    """Even where a call still holds the id of an auth user that it made itself."""
    manager = it.manager()

    def deleted_meanwhile(method: str) -> None:
        if method == "create_user":
            auth.after = lambda _: None
            row = it.connection.execute("SELECT id FROM auth.users WHERE email = %s", [EMAIL]).fetchone()
            it.repository.log_activity(manager_id=None, action_type="user_deleted", target_user_id=row["id"])

    auth.after = deleted_meanwhile
    student = it.student(manager, email=EMAIL)
    assert student.created
    assert it.log(student.user_id) == [("user_created", manager.user_id)]
    assert it.connection.execute("SELECT count(*) AS n FROM auth.users").fetchone()["n"] == 2


def test_the_gate_makes_no_student_of_somebody_who_got_another_role_meanwhile(it: World, auth: AuthService):
    manager = it.manager()

    def made_curator(method: str) -> None:
        if method == "create_user":
            auth.after = lambda _: None
            it.execute(
                "INSERT INTO users (id, email, full_name, role) SELECT id, email, 'Anna', 'curator' FROM auth.users"
                " WHERE email = %s",
                EMAIL,
            )

    auth.after = made_curator
    with pytest.raises(EmailTaken):
        it.student(manager, email=EMAIL)
    assert it.count("tripwire_users") == 0
    assert it.row("users", email=EMAIL)["role"] == "curator"
