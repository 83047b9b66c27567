"""Changing a student's status, and nothing else."""

from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import InvalidInput, NotFound

STATUSES = ("active", "inactive", "completed", "blocked")


@pytest.mark.parametrize("status", STATUSES[1:])
def test_a_status_is_set_and_logged_and_nothing_else_changes(clocked: World, clock: Clock, status: str):
    seller, other = clocked.manager(), clocked.manager(role="curator")
    student = clocked.student(seller)
    clocked.complete(student.user_id, 67)
    clock.advance(60)
    untouched = [row for row in clocked.dump() if row[0] not in ("public.tripwire_users", "public.sales_activity_log")]
    before = clocked.row("tripwire_users")
    result = clocked.repository.set_student_status(user_id=student.user_id, status=status, manager_id=other.user_id)
    assert (result.user_id, result.status, result.changed) == (student.user_id, status, True)
    after = clocked.row("tripwire_users")
    assert {name for name in after if after[name] != before[name]} == {"status", "updated_at"}
    assert after["status"] == status
    assert untouched == [
        row for row in clocked.dump() if row[0] not in ("public.tripwire_users", "public.sales_activity_log")
    ]
    log = clocked.row("sales_activity_log", action_type="user_status_updated")
    assert (log["manager_id"], log["target_user_id"], log["created_at"]) == (other.user_id, student.user_id, clock.now)
    assert log["details"] == {
        "email": student.email,
        "full_name": student.full_name,
        "old_status": "active",
        "new_status": status,
    }


@pytest.mark.parametrize("status", STATUSES)
def test_set_again_it_changes_and_logs_nothing(it: World, status: str):
    manager = it.manager()
    student = it.student(manager)
    arguments = {"user_id": student.user_id, "status": status, "manager_id": manager.user_id}
    it.repository.set_student_status(**arguments)
    before = it.dump()
    assert not it.repository.set_student_status(**arguments).changed
    assert it.dump() == before


def test_a_blocked_student_who_is_active_again_goes_on_where_they_were(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.complete(student.user_id, 67)
    for status in ("blocked", "active"):
        it.repository.set_student_status(user_id=student.user_id, status=status, manager_id=manager.user_id)
    assert it.complete(student.user_id, 68).modules_completed == 2


@pytest.mark.parametrize("blocked", ["blocked", "inactive"])
def test_a_graduate_who_was_blocked_and_is_active_again_counts_as_completed(it: World, blocked: str):
    manager = it.manager()
    graduate = it.graduate(manager)

    def set_to(status: str) -> tuple[str, bool]:
        result = it.repository.set_student_status(user_id=graduate.user_id, status=status, manager_id=manager.user_id)
        assert it.row("tripwire_users", user_id=graduate.user_id)["status"] == result.status
        return result.status, result.changed

    assert set_to("active") == ("completed", False)
    assert set_to(blocked) == (blocked, True)
    assert set_to("active") == ("completed", True)
    assert set_to("active") == ("completed", False)
    (stats,) = [row for row in it.repository.get_sales_leaderboard() if row.manager_id == manager.user_id]
    assert (stats.active_students, stats.completed_students) == (0, 1)
    log = it.rows("sales_activity_log", action_type="user_status_updated")
    assert sorted((row["details"]["old_status"], row["details"]["new_status"]) for row in log) == sorted(
        [("completed", blocked), (blocked, "completed")]
    )


def test_what_is_unknown_is_refused_and_nothing_is_written(it: World):
    manager = it.manager()
    student = it.student(manager)
    before = it.dump()
    for user_id, manager_id, kind in (
        (uuid4(), manager.user_id, "student"),
        (manager.user_id, manager.user_id, "student"),
        (student.user_id, uuid4(), "manager"),
        (student.user_id, student.user_id, "manager"),
    ):
        with pytest.raises(NotFound) as raised:
            it.repository.set_student_status(user_id=user_id, status="blocked", manager_id=manager_id)
        assert raised.value.kind == kind
    with pytest.raises(InvalidInput, match="active, inactive, completed, blocked"):
        it.repository.set_student_status(user_id=student.user_id, status="asleep", manager_id=manager.user_id)
    assert it.dump() == before


def test_the_same_status_at_once_is_logged_once(it: World):
    manager = it.manager()
    student = it.student(manager)
    outcomes = it.at_once_on(
        student.user_id,
        *[
            lambda: it.repository.set_student_status(
                user_id=student.user_id, status="blocked", manager_id=manager.user_id
            )
        ]
        * 3,
    )
    assert sorted(outcome.changed for outcome in outcomes) == [False, False, True]
    assert it.count("sales_activity_log", action_type="user_status_updated") == 1


def test_two_statuses_at_once_are_told_in_their_order(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.at_once_on(
        student.user_id,
        *[
            lambda status=status: it.repository.set_student_status(
                user_id=student.user_id, status=status, manager_id=manager.user_id
            )
            for status in ("blocked", "inactive")
        ],
    )
    changes = {
        row["details"]["old_status"]: row["details"]["new_status"]
        for row in it.rows("sales_activity_log", action_type="user_status_updated")
    }
    assert changes[changes["active"]] == it.row("tripwire_users")["status"]
