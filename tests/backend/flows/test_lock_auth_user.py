"""The lock on an auth user's id: whoever changes or removes the auth user waits for it, and asks the auth service after."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.backend.flows.auth_user import EMAIL, half_made
from tests.backend.flows.world import World
from tests.support.auth_service import AuthService
from tripwire_db.engine.within import Within
from tripwire_db.flows.create_manager import NewManager, create_manager
from tripwire_db.flows.create_tripwire_user import NewStudent, create_tripwire_user
from tripwire_db.flows.shared.auth_user import AuthUserChanged
from tripwire_db.flows.shared.context import FlowContext


@pytest.fixture
def auth(module_url: str) -> AuthService:
    return AuthService(module_url)


@pytest.fixture
def it(make_world: Callable[..., World], auth: AuthService) -> World:
    return make_world(auth=auth)


CALLS: dict[str, Callable[..., Any]] = {
    "correct_student": lambda repository, seller, student: repository.correct_student(
        user_id=student, manager_id=seller, full_name="New"
    ),
    "reset_password": lambda repository, seller, student: repository.reset_password(
        user_id=student, manager_id=seller, password="new"
    ),
    "delete_student": lambda repository, seller, student: repository.delete_student(user_id=student, manager_id=seller),
    "create_tripwire_user": lambda repository, seller, _: repository.create_tripwire_user(
        email=EMAIL, full_name="Anna", manager_id=seller, password="new"
    ),
}
"""By name, what is called of the repository, for this seller, and this student: the last resumes one who is half made."""


@pytest.mark.parametrize("name", CALLS)
def test_no_auth_user_is_changed_or_removed_while_another_call_holds_the_lock_on_it(
    it: World, auth: AuthService, name: str
):
    seller = it.manager().user_id
    student = half_made(it) if name == "create_tripwire_user" else it.student(manager_id=seller).user_id
    asked: list[set[str]] = []

    def look() -> None:
        asked.append({method for method, user_id in auth.made if user_id == student})

    it.behind(
        f"SELECT pg_advisory_xact_lock(hashtextextended('{student}', 0))",
        lambda: CALLS[name](it.repository, seller, student),
        meanwhile=look,
    )
    look()

    before, after = asked
    assert not before & {"update_user", "delete_user"}
    assert after & {"update_user", "delete_user"}


@pytest.mark.parametrize("kind", ["sync"])  # the statement alone, which both repositories send
@pytest.mark.parametrize("mark", ["student", "manager"])
def test_no_rows_are_written_for_an_auth_user_that_another_call_takes_over_under_the_lock(it: World, mark: str):
    seller, left = it.manager().user_id, half_made(it, mark)
    if mark == "student":
        new = NewStudent(email=EMAIL, full_name="Anna", manager_id=seller)
        flow = create_tripwire_user(FlowContext(), user_id=left, token=left, new=new)
    else:
        flow = create_manager(FlowContext(), user_id=left, token=left, new=NewManager(EMAIL, "Anna", "curator"))

    def write() -> None:
        with psycopg.connect(it.url) as connection, pytest.raises(AuthUserChanged):
            Within(connection).run(flow)

    it.behind(
        f"""SELECT pg_advisory_xact_lock(hashtextextended('{left}', 0));
        UPDATE auth.users SET raw_app_meta_data = '{{"tripwire": {{"kind": "{mark}", "token": "{uuid4()}"}}}}'
        WHERE id = '{left}'""",
        write,
    )

    assert not it.rows("users", id=left)


@pytest.mark.parametrize("kind", ["sync"])
def test_a_manager_whom_another_call_makes_under_the_lock_stays_as_that_one_made_them(it: World):
    left = half_made(it, "manager")
    flow = create_manager(FlowContext(), user_id=left, token=left, new=NewManager(EMAIL, "Second", "curator"))

    def write() -> Any:
        with psycopg.connect(it.url) as connection:
            return Within(connection).run(flow)

    told = it.behind(
        f"""SELECT pg_advisory_xact_lock(hashtextextended('{left}', 0));
        INSERT INTO users (id, email, full_name, role) VALUES ('{left}', '{EMAIL}', 'First', 'curator')""",
        write,
    )

    assert (told.created, told.full_name) == (False, "First")
    assert it.row("users", id=left)["full_name"] == "First"
    assert not it.log(left)
