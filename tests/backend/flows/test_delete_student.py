"""Deleting a student: every row and the auth user; the log stays."""

from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import AuthFailed, NotFound, Refused


def delete(it: World, user_id, manager):
    return it.repository.delete_student(user_id=user_id, manager_id=manager.user_id)


def test_every_row_and_the_auth_user_go_and_the_log_stays(clocked: World, clock: Clock):
    manager, other = clocked.manager(), clocked.manager(role="admin")
    student, stays = clocked.graduate(manager), clocked.graduate(manager)
    log_before = clocked.rows("sales_activity_log")
    others = [row for row in clocked.dump() if str(stays.user_id) in row[1]]
    clock.advance(60)
    gone = delete(clocked, student.user_id, other)
    assert (gone.user_id, gone.email, gone.full_name, gone.deleted) == (
        student.user_id,
        student.email,
        student.full_name,
        True,
    )
    assert {name for name, content in clocked.dump() if str(student.user_id) in content} == {
        "public.sales_activity_log"
    }
    assert [row for row in clocked.dump() if str(stays.user_id) in row[1]] == others
    log = clocked.row("sales_activity_log", action_type="user_deleted")
    assert (log["manager_id"], log["target_user_id"], log["created_at"]) == (other.user_id, student.user_id, clock.now)
    assert log["details"] == {"email": student.email, "full_name": student.full_name}
    assert [row for row in clocked.rows("sales_activity_log") if row["id"] != log["id"]] == log_before


def test_called_again_it_returns_the_same_and_writes_nothing(it: World):
    manager = it.manager()
    student = it.student(manager)
    delete(it, student.user_id, manager)
    before = it.dump()
    again = delete(it, student.user_id, manager)
    assert (again.user_id, again.email, again.full_name, again.deleted) == (
        student.user_id,
        student.email,
        student.full_name,
        False,
    )
    assert it.dump() == before


def test_called_again_it_finishes_what_is_left(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.execute(
        """CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
        CREATE TRIGGER keep BEFORE DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION public.keep()"""
    )
    try:
        with pytest.raises(AuthFailed, match="call again to finish"):
            delete(it, student.user_id, manager)
    finally:
        it.execute("DROP TRIGGER keep ON auth.users; DROP FUNCTION public.keep()")
    assert it.count("tripwire_users") == 0
    assert not delete(it, student.user_id, manager).deleted
    assert not it.connection.execute("SELECT 1 FROM auth.users WHERE id = %s", [student.user_id]).fetchall()
    assert it.count("sales_activity_log", action_type="user_deleted") == 1


def test_an_email_is_free_again(it: World):
    manager = it.manager()
    student = it.student(manager, email="a@b.kz")
    delete(it, student.user_id, manager)
    assert it.student(it.manager(), email="a@b.kz").created


def test_one_that_never_was_is_not_found(it: World):
    manager = it.manager()
    delete(it, it.student(manager).user_id, manager)
    before = it.dump()
    with pytest.raises(NotFound) as raised:
        delete(it, uuid4(), manager)
    assert raised.value.kind == "student"
    assert it.dump() == before


def test_one_of_whom_the_log_tells_something_else_never_was(it: World):
    manager, stranger = it.manager(), uuid4()
    it.repository.log_activity(manager_id=None, action_type="email_sent", target_user_id=stranger)
    before = it.dump()
    with pytest.raises(NotFound):
        delete(it, stranger, manager)
    assert it.dump() == before


def test_an_unknown_manager_may_not(it: World):
    student = it.student()
    before = it.dump()
    for manager_id in (uuid4(), student.user_id):
        with pytest.raises(NotFound) as raised:
            it.repository.delete_student(user_id=student.user_id, manager_id=manager_id)
        assert raised.value.kind == "manager"
    assert it.dump() == before


def test_a_manager_is_no_student_and_stays(it: World):
    manager, other = it.manager(), it.manager(role="admin")
    before = it.dump()
    with pytest.raises((NotFound, Refused)):
        delete(it, other.user_id, manager)
    assert it.dump() == before


def test_a_manager_who_also_bought_the_course_is_refused_and_stays(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.execute("UPDATE users SET role = 'curator' WHERE id = %s", student.user_id)
    before = it.dump()
    with pytest.raises(Refused, match="curator"):
        delete(it, student.user_id, manager)
    assert it.dump() == before


def test_a_managers_auth_user_stays_even_where_the_log_says_they_were_deleted(it: World):
    manager, other = it.manager(), it.manager()
    it.repository.log_activity(manager_id=None, action_type="user_deleted", target_user_id=other.user_id)
    before = it.dump()
    with pytest.raises((NotFound, Refused)):
        delete(it, other.user_id, manager)
    assert it.dump() == before


def test_deleted_at_once_it_is_logged_once(it: World):
    manager = it.manager()
    student = it.student(manager)
    outcomes = it.at_once_on(student.user_id, *[lambda: delete(it, student.user_id, manager)] * 3)
    assert sorted(outcome.deleted for outcome in outcomes) == [False, False, True]
    assert {outcome.email for outcome in outcomes} == {student.email}
    assert it.count("sales_activity_log", action_type="user_deleted") == 1
    assert not it.connection.execute("SELECT 1 FROM auth.users WHERE id = %s", [student.user_id]).fetchall()


def test_a_deletion_that_waited_for_a_correction_tells_and_logs_whom_it_deleted(it: World):
    manager = it.manager()
    student = it.student(manager)
    gone = it.behind(
        f"UPDATE tripwire_users SET email = 'new@course.kz', full_name = 'New' WHERE user_id = '{student.user_id}'",
        lambda: delete(it, student.user_id, manager),
    )
    assert (gone.deleted, gone.email, gone.full_name) == (True, "new@course.kz", "New")
    details = it.row("sales_activity_log", action_type="user_deleted")["details"]
    assert details == {"email": "new@course.kz", "full_name": "New"}


def test_deleting_and_a_heartbeat_at_once_leaves_nothing_of_the_student(it: World):
    manager = it.manager()
    student = it.student(manager)
    beat, gone = it.at_once_on(
        student.user_id,
        lambda: it.repository.update_video_tracking(
            user_id=student.user_id, lesson_id=67, segments=[(0, 10)], position=10
        ),
        lambda: delete(it, student.user_id, manager),
    )
    assert gone.deleted
    assert isinstance(beat, NotFound) or beat.counted_seconds == 10
    assert {name for name, content in it.dump() if str(student.user_id) in content} == {"public.sales_activity_log"}


def test_deleting_and_unlocking_at_once_leaves_nothing_of_the_student(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.execute("DELETE FROM module_unlocks")
    _, gone = it.at_once_on(
        student.user_id,
        lambda: it.repository.unlock_next_module(user_id=student.user_id),
        lambda: delete(it, student.user_id, manager),
    )
    assert gone.deleted
    assert {name for name, content in it.dump() if str(student.user_id) in content} == {"public.sales_activity_log"}


def test_a_student_without_a_users_row_can_be_deleted_too(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.execute("DELETE FROM users WHERE id = %s", student.user_id)
    assert delete(it, student.user_id, manager).deleted
    assert {name for name, content in it.dump() if str(student.user_id) in content} == {"public.sales_activity_log"}
