"""Creating a manager: auth user and users row."""

from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import EmailTaken, InvalidInput


@pytest.mark.parametrize("role", ["sales_manager", "admin", "curator", "tech_support"])
def test_a_manager_has_an_auth_user_and_a_users_row_with_the_role(clocked: World, clock: Clock, role: str):
    manager = clocked.repository.create_manager(email=" Dana@Sales.KZ", full_name="Dana K.", role=role)
    assert (manager.email, manager.full_name, manager.role, manager.created) == ("dana@sales.kz", "Dana K.", role, True)
    row = clocked.row("users")
    assert (row["id"], row["email"], row["role"], row["created_at"]) == (
        manager.user_id,
        "dana@sales.kz",
        role,
        clock.now,
    )
    log = clocked.row("sales_activity_log")
    assert (log["action_type"], log["manager_id"], log["target_user_id"]) == ("user_created", None, manager.user_id)
    assert log["details"] == {"email": "dana@sales.kz", "full_name": "Dana K.", "role": role}


def test_called_again_it_returns_the_manager_as_they_are_and_changes_nothing(it: World):
    first = it.manager(email="dana@sales.kz", full_name="Dana")
    before = it.dump()
    again = it.manager(email="DANA@sales.kz", full_name="Somebody else")
    assert (again.user_id, again.full_name, again.created) == (first.user_id, "Dana", False)
    assert it.dump() == before


def test_the_same_email_with_another_role_is_taken(it: World):
    it.manager(email="dana@sales.kz")
    before = it.dump()
    with pytest.raises(EmailTaken):
        it.manager(email="dana@sales.kz", role="admin")
    assert it.dump() == before


def test_the_email_of_a_student_is_taken(it: World):
    it.student(email="a@b.kz")
    before = it.dump()
    with pytest.raises(EmailTaken):
        it.manager(email="a@b.kz")
    assert it.dump() == before


def test_an_auth_user_that_is_not_ours_is_taken_and_stays(it: World):
    it.execute("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'stranger@example.kz')")
    before = it.dump()
    with pytest.raises(EmailTaken):
        it.manager(email="stranger@example.kz")
    assert it.dump() == before


def test_an_auth_user_made_for_a_student_is_not_resumed_as_a_manager(it: World):
    it.execute(
        """INSERT INTO auth.users (id, email, raw_app_meta_data)
        VALUES (gen_random_uuid(), 'half@made.kz', '{"tripwire": {"kind": "student"}}')"""
    )
    before = it.dump()
    with pytest.raises(EmailTaken):
        it.manager(email="half@made.kz")
    assert it.dump() == before


def test_an_auth_user_that_carries_our_mark_is_resumed(it: World):
    lost = uuid4()
    it.execute(
        """INSERT INTO auth.users (id, email, raw_app_meta_data)
        VALUES (%s, 'half@made.kz', '{"tripwire": {"kind": "manager"}}')""",
        lost,
    )
    manager = it.manager(email="half@made.kz")
    assert (manager.user_id, manager.created) == (lost, True)
    assert it.row("users")["role"] == "sales_manager"


def test_a_student_is_no_role_of_a_manager(it: World):
    with pytest.raises(InvalidInput, match="role must be one of sales_manager, admin"):
        it.manager(role="student")


def test_one_email_twice_at_once_is_one_manager(it: World):
    outcomes = it.at_once(
        "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'twice@b.kz')",
        [],
        *[lambda: it.manager(email="twice@b.kz")] * 2,
    )
    assert {outcome.user_id for outcome in outcomes} == {it.row("users")["id"]}
    assert sum(outcome.created for outcome in outcomes) == 1
    assert it.count("sales_activity_log") == 1
