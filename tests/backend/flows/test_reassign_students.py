"""Giving students to another seller, as where a manager leaves: nobody and no sale is lost."""

from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import InvalidInput, NotFound, Reassignment, Refused


def test_all_students_of_a_manager_pass_with_their_sales_and_each_is_logged(clocked: World, clock: Clock):
    leaving, staying, admin = clocked.manager(), clocked.manager(full_name="Staying"), clocked.manager(role="admin")
    students = [clocked.student(leaving), clocked.graduate(leaving)]
    clocked.student(staying)
    clock.advance(60)
    moved = ("public.tripwire_users", "public.sales_activity_log")
    untouched = [row for row in clocked.dump() if row[0] not in moved]
    before = {row["user_id"]: row for row in clocked.rows("tripwire_users")}
    result = clocked.repository.reassign_students(
        from_manager_id=leaving.user_id, to_manager_id=staying.user_id, manager_id=admin.user_id
    )
    ids = {student.user_id for student in students}
    assert result == Reassignment(leaving.user_id, staying.user_id, result.user_ids)
    assert set(result.user_ids) == ids
    assert len(result.user_ids) == 2
    assert untouched == [row for row in clocked.dump() if row[0] not in moved]
    for row in clocked.rows("tripwire_users"):
        assert (row["granted_by"], row["manager_name"]) == (staying.user_id, "Staying")
        changed = {name for name in row if row[name] != before[row["user_id"]][name]}
        assert changed == ({"granted_by", "manager_name", "updated_at"} if row["user_id"] in ids else set())
    for student in students:
        log = clocked.row("sales_activity_log", action_type="user_reassigned", target_user_id=student.user_id)
        assert (log["manager_id"], log["created_at"]) == (admin.user_id, clock.now)
        assert log["details"] == {
            "email": student.email,
            "full_name": student.full_name,
            "from_manager_id": str(leaving.user_id),
            "from_manager_name": leaving.full_name,
            "to_manager_id": str(staying.user_id),
            "to_manager_name": "Staying",
        }
    (stats, gone) = (clocked.repository.get_manager_stats(manager_id=who.user_id) for who in (staying, leaving))
    assert (stats.total_students, stats.total_revenue, gone.total_students) == (3, 15000, 0)


def test_only_those_named_pass_and_called_again_nothing_is_changed_or_logged(it: World):
    leaving, staying, admin = it.manager(), it.manager(role="admin"), it.manager(role="admin")
    first, second = it.student(leaving), it.student(leaving)
    arguments = {
        "from_manager_id": leaving.user_id,
        "to_manager_id": str(staying.user_id),
        "manager_id": admin.user_id,
        "user_ids": [str(first.user_id), first.user_id],
    }
    assert it.repository.reassign_students(**arguments).user_ids == (first.user_id,)
    assert it.row("tripwire_users", user_id=second.user_id)["granted_by"] == leaving.user_id
    before = it.dump()
    assert it.repository.reassign_students(**arguments).user_ids == ()
    assert it.dump() == before
    everybody = {**arguments, "user_ids": None}
    assert it.repository.reassign_students(**everybody).user_ids == (second.user_id,)
    before = it.dump()
    assert it.repository.reassign_students(**everybody).user_ids == ()
    assert it.dump() == before


def test_whatever_cannot_be_is_refused_with_nobody_reassigned(it: World):
    leaving, staying, third, admin = it.manager(), it.manager(), it.manager(), it.manager(role="admin")
    student, foreign = it.student(leaving), it.student(third)
    good = {"from_manager_id": leaving.user_id, "to_manager_id": staying.user_id, "manager_id": admin.user_id}
    curator = it.manager(role="curator")
    unsold = it.student(third)
    it.execute("UPDATE tripwire_users SET granted_by = NULL WHERE user_id = %s", unsold.user_id)
    before = it.dump()

    def refused(kind: type[Exception], told: str, **other: object) -> None:
        with pytest.raises(kind, match=told):
            it.repository.reassign_students(**{**good, **other})

    nobody = uuid4()
    for not_admin in (leaving, staying, curator):
        refused(Refused, "is no admin, so nothing was changed", manager_id=not_admin.user_id)
    for no_manager in (nobody, student.user_id):
        refused(NotFound, f"no manager {no_manager}", manager_id=no_manager)
    refused(NotFound, f"no manager {nobody}", from_manager_id=nobody)
    refused(NotFound, f"no manager {nobody}", to_manager_id=nobody)
    for no_seller in (curator, student):
        refused(NotFound, "students go to a user who is sales_manager or admin", to_manager_id=no_seller.user_id)
    refused(NotFound, f"no student {nobody}", user_ids=[student.user_id, nobody])
    for another in (foreign, unsold):
        refused(Refused, f"{another.user_id} is not manager", user_ids=[student.user_id, another.user_id])
    refused(InvalidInput, "must be another manager", to_manager_id=str(leaving.user_id))
    refused(InvalidInput, "user_ids must have 1 to 10,000", user_ids=[])
    assert it.dump() == before


def test_a_manager_who_goes_leaves_no_student_and_no_sale_behind(it: World):
    leaving, staying, admin = it.manager(full_name="Leaving"), it.manager(), it.manager(role="admin")
    passed, kept = it.student(leaving, price=3000), it.student(leaving, price=2000)
    it.repository.reassign_students(
        from_manager_id=leaving.user_id,
        to_manager_id=staying.user_id,
        manager_id=admin.user_id,
        user_ids=[passed.user_id],
    )
    it.execute("DELETE FROM auth.users WHERE id = %s", leaving.user_id)
    board = {row.manager_name: row for row in it.repository.get_sales_leaderboard(limit=100)}
    assert (board[staying.full_name].total_students, board[staying.full_name].total_revenue) == (1, 3000)
    assert (board["Leaving"].manager_id, board["Leaving"].total_students, board["Leaving"].total_revenue) == (
        None,
        1,
        2000,
    )
    assert it.repository.get_manager_stats().total_revenue == 5000
    assert it.repository.get_student(user_id=kept.user_id).student.manager_name == "Leaving"


def test_of_two_at_once_over_the_same_students_one_moves_each_and_neither_fails(it: World):
    leaving, one, other, admin = it.manager(), it.manager(), it.manager(), it.manager(role="admin")
    students = [it.student(leaving).user_id for _ in range(5)]
    arguments = {"from_manager_id": leaving.user_id, "manager_id": admin.user_id}
    results = it.at_once_on(
        min(students),
        lambda: it.repository.reassign_students(**arguments, to_manager_id=one.user_id),
        lambda: it.repository.reassign_students(**arguments, to_manager_id=other.user_id),
    )
    assert sorted(len(result.user_ids) for result in results) == [0, 5]
    winner = next(result.to_manager_id for result in results if result.user_ids)
    assert {row["granted_by"] for row in it.rows("tripwire_users")} == {winner}
    assert it.count("sales_activity_log", action_type="user_reassigned") == 5


def test_a_student_who_passes_meanwhile_is_changed_by_the_new_seller_alone(it: World):
    leaving, staying, admin = it.manager(), it.manager(), it.manager(role="admin")
    student = it.student(leaving)
    results = it.at_once_on(
        student.user_id,
        lambda: it.repository.reassign_students(
            from_manager_id=leaving.user_id, to_manager_id=staying.user_id, manager_id=admin.user_id
        ),
        lambda: it.repository.correct_student(user_id=student.user_id, manager_id=leaving.user_id, price=1),
    )
    assert results[0].user_ids == (student.user_id,)
    price = it.row("tripwire_users")["price"]
    assert isinstance(results[1], Refused) == (price == 5000)
    with pytest.raises(Refused):
        it.repository.correct_student(user_id=student.user_id, manager_id=leaving.user_id, price=2)
