"""Completing a lesson: eight steps, once each."""

from decimal import Decimal
from uuid import uuid4

import pytest

from tests.backend.flows.world import LESSONS, Clock, World
from tripwire_db import ModuleLocked, NotFound, StudentNotActive, VideoNotQualified


def achievements(it: World, user_id) -> dict[str, tuple[int, bool]]:
    rows = it.rows("user_achievements", user_id=user_id)
    return {row["achievement_id"]: (row["current_value"], row["is_completed"]) for row in rows}


def test_the_first_lesson_writes_what_the_design_says_and_nothing_else(clocked: World, clock: Clock):
    manager = clocked.manager()
    student = clocked.student(manager)
    clocked.qualify(student.user_id, 67)
    clock.advance(3600)
    done = clocked.repository.complete_lesson(user_id=str(student.user_id), lesson_id=67)

    assert (done.user_id, done.lesson_id, done.module_id) == (student.user_id, 67, 16)
    assert (done.modules_completed, done.already_completed) == (1, False)
    assert (done.unlocked_module_id, done.certificate) == (17, None)
    me, now = {"user_id": student.user_id}, clock.now
    progress = clocked.row("student_progress", **me, lesson_id=67)
    assert (progress["status"], progress["started_at"], progress["completed_at"]) == ("completed", now, now)
    sold = clocked.row("tripwire_users", **me)
    assert (sold["modules_completed"], sold["status"]) == (1, "active")
    profile = clocked.row("tripwire_user_profile", **me)
    assert (profile["modules_completed"], profile["completion_percentage"]) == (1, Decimal("33.33"))
    assert (profile["certificate_issued"], profile["certificate_url"]) == (False, None)
    assert clocked.row("user_statistics", **me)["lessons_completed"] == 1
    assert achievements(clocked, student.user_id) == {
        "first_module_complete": (1, True),
        "second_module_complete": (0, False),
        "third_module_complete": (0, False),
        "tripwire_graduate": (1, False),
    }
    opened = clocked.row("module_unlocks", **me, module_id=17)
    assert opened["unlocked_at"] == now
    following = clocked.row("student_progress", **me, lesson_id=68)
    assert (following["module_id"], following["status"], following["started_at"]) == (17, "not_started", None)
    video = clocked.row("video_tracking", **me, lesson_id=68)
    assert (video["video_duration_seconds"], video["last_seen_at"], video["counted_ms"]) == (1800, None, 0)
    details = {row["action_type"]: row["details"] for row in clocked.rows("sales_activity_log", created_at=now)}
    person = {"email": student.email, "full_name": student.full_name}
    assert details == {
        "lesson_completed": {**person, "lesson_id": 67},
        "module_unlocked": {**person, "module_id": 17},
    }
    assert {by for _, by in clocked.log(student.user_id)} == {manager.user_id}
    assert clocked.count("certificates") == 0


def test_the_last_lesson_graduates(clocked: World, clock: Clock):
    student = clocked.student(clocked.manager(), full_name="Aigerim S.")
    clocked.complete(student.user_id, 67, 68)
    clock.advance(60)
    done = clocked.complete(student.user_id, 69)

    me = {"user_id": student.user_id}
    assert (done.modules_completed, done.unlocked_module_id) == (3, None)
    certificate = clocked.row("certificates", **me)
    assert (done.certificate.id, done.certificate.number) == (certificate["id"], certificate["number"])
    assert (certificate["full_name"], certificate["issued_at"]) == ("Aigerim S.", clock.now)
    assert certificate["url"].endswith(certificate["verification_code"])
    sold = clocked.row("tripwire_users", **me)
    assert (sold["modules_completed"], sold["status"]) == (3, "completed")
    profile = clocked.row("tripwire_user_profile", **me)
    assert (profile["modules_completed"], profile["completion_percentage"]) == (3, 100)
    assert (profile["certificate_issued"], profile["certificate_url"]) == (True, certificate["url"])
    assert clocked.row("user_statistics", **me)["lessons_completed"] == 3
    assert achievements(clocked, student.user_id) == {
        "first_module_complete": (1, True),
        "second_module_complete": (1, True),
        "third_module_complete": (1, True),
        "tripwire_graduate": (3, True),
    }
    assert "certificate_issued" in dict(clocked.log(student.user_id))
    issued = clocked.row("sales_activity_log", action_type="certificate_issued")
    assert issued["details"]["number"] == certificate["number"]


@pytest.mark.parametrize("completed", [1, 2, 3])
def test_called_again_it_returns_what_is_and_changes_nothing(it: World, completed: int):
    student = it.student()
    first = it.complete(student.user_id, *LESSONS[:completed])
    before = it.dump()
    again = it.repository.complete_lesson(user_id=student.user_id, lesson_id=LESSONS[completed - 1])
    assert it.dump() == before
    assert again.already_completed
    assert (again.modules_completed, again.unlocked_module_id) == (first.modules_completed, first.unlocked_module_id)
    assert (again.certificate is None) == (completed < 3)
    if completed == 3:
        assert again.certificate.number == first.certificate.number
        assert not again.certificate.newly_issued


def test_a_video_below_the_threshold_is_refused_whatever_its_percentage_says(it: World):
    student = it.student()
    it.execute("UPDATE video_tracking SET watch_percentage = 100, total_watched_seconds = 1800, counted_ms = 1800000")
    before = it.dump()
    with pytest.raises(VideoNotQualified):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)
    assert it.dump() == before


def test_the_flag_alone_qualifies(it: World):
    student = it.student()
    it.execute("UPDATE video_tracking SET is_qualified_for_completion = true, watch_percentage = 0")
    assert it.repository.complete_lesson(user_id=student.user_id, lesson_id=67).modules_completed == 1


def test_a_lesson_without_a_video_row_is_not_qualified(it: World):
    student = it.student()
    it.execute("DELETE FROM video_tracking")
    with pytest.raises(VideoNotQualified):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)


@pytest.mark.parametrize("lesson_id", [68, 69])
def test_a_locked_lesson_is_refused_even_when_its_video_is_qualified(it: World, lesson_id: int):
    student = it.student()
    it.qualify(student.user_id, lesson_id)
    before = it.dump()
    with pytest.raises(ModuleLocked):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=lesson_id)
    assert it.dump() == before


def test_another_students_watching_and_unlocks_are_no_help(it: World):
    student, other = it.student(), it.graduate()
    before = it.dump()
    with pytest.raises(VideoNotQualified):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)
    with pytest.raises(ModuleLocked):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=69)
    assert it.dump() == before
    assert other.user_id != student.user_id


@pytest.mark.parametrize("status", ["blocked", "inactive"])
def test_a_blocked_or_inactive_student_is_refused(it: World, status: str):
    student = it.student()
    it.qualify(student.user_id, 67)
    it.status(student.user_id, status)
    before = it.dump()
    with pytest.raises(StudentNotActive, match=status):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)
    assert it.dump() == before


def test_whoever_is_unknown_is_not_found(it: World):
    student, manager = it.student(), it.manager()
    before = it.dump()
    for user_id, lesson_id, kind in ((uuid4(), 67, "student"), (manager.user_id, 67, "student")):
        with pytest.raises(NotFound) as raised:
            it.repository.complete_lesson(user_id=user_id, lesson_id=lesson_id)
        assert (raised.value.kind, raised.value.key) == (kind, user_id)
    for lesson_id in (0, -1, 66, 2**31 - 1):
        with pytest.raises(NotFound) as raised:
            it.repository.complete_lesson(user_id=student.user_id, lesson_id=lesson_id)
        assert (raised.value.kind, raised.value.key) == ("lesson", lesson_id)
    assert it.dump() == before


def test_a_lesson_that_was_begun_keeps_the_time_of_its_beginning(clocked: World, clock: Clock):
    student = clocked.student()
    began = clock.now
    clocked.repository.update_video_tracking(user_id=student.user_id, lesson_id=67, segments=[(0, 10)], position=10)
    clock.advance(1000)
    clocked.complete(student.user_id, 67)
    progress = clocked.row("student_progress", lesson_id=67)
    assert (progress["started_at"], progress["completed_at"]) == (began, clock.now)


def test_rows_that_an_older_backend_never_made_are_made(it: World):
    student = it.student()
    for table in ("student_progress", "tripwire_user_profile", "user_statistics", "user_achievements"):
        it.execute(f"DELETE FROM {table}")
    it.complete(student.user_id, *LESSONS)
    assert it.row("tripwire_user_profile")["completion_percentage"] == 100
    assert it.row("user_statistics")["lessons_completed"] == 3
    assert achievements(it, student.user_id)["tripwire_graduate"] == (3, True)
    assert it.count("student_progress", status="completed") == 3


def test_an_achievement_that_an_older_backend_gave_keeps_its_time(clocked: World, clock: Clock):
    student = clocked.student()
    clocked.execute(
        "UPDATE user_achievements SET is_completed = true, current_value = 1, completed_at = created_at"
        " WHERE achievement_id = 'first_module_complete'"
    )
    before = clocked.row("user_achievements", achievement_id="first_module_complete")
    clock.advance(60)
    clocked.complete(student.user_id, 67)
    assert clocked.row("user_achievements", achievement_id="first_module_complete") == before


def test_the_set_that_is_searched_is_written_for_its_own_lesson_and_only_where_it_is_another(it: World):
    student = it.student().user_id
    it.complete(student, 67)
    it.repository.update_video_tracking(user_id=student, lesson_id=67, segments=[(0, 9)], position=9)
    it.qualify(student, 68)
    it.execute("UPDATE video_tracking SET qualified_segments = watched_segments WHERE lesson_id = 68")
    before = [it.row("video_tracking", lesson_id=lesson_id) for lesson_id in (67, 68)]
    it.repository.complete_lesson(user_id=student, lesson_id=68)
    assert [it.row("video_tracking", lesson_id=lesson_id) for lesson_id in (67, 68)] == before


def test_a_student_whose_manager_is_gone_is_logged_for_nobody(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.execute("DELETE FROM auth.users WHERE id = %s", manager.user_id)
    it.complete(student.user_id, *LESSONS)
    assert {by for action, by in it.log(student.user_id) if action != "user_created"} == {None}


def test_the_same_lesson_twice_at_once_counts_once(it: World):
    student = it.student()
    it.qualify(student.user_id, 67)
    outcomes = it.at_once_on(
        student.user_id, *[lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)] * 3
    )
    assert sorted(done.already_completed for done in outcomes) == [False, True, True]
    assert {(done.modules_completed, done.unlocked_module_id) for done in outcomes} == {(1, 17)}
    assert it.row("tripwire_users")["modules_completed"] == 1
    assert it.row("user_statistics")["lessons_completed"] == 1
    assert sorted(action for action, _ in it.log(student.user_id)) == [
        "lesson_completed",
        "module_unlocked",
        "user_created",
    ]


@pytest.mark.parametrize("together", [(68, 69), (67, 68, 69), (69, 68, 67)])
def test_the_last_lessons_at_once_give_one_certificate_and_right_counters(it: World, together: tuple[int, ...]):
    student = it.student()
    it.complete(student.user_id, *(lesson_id for lesson_id in LESSONS if lesson_id not in together))
    it.qualify(student.user_id, *together)
    it.execute(
        "INSERT INTO module_unlocks (user_id, module_id) SELECT %s, id FROM modules ON CONFLICT DO NOTHING",
        student.user_id,
    )
    outcomes = it.at_once_on(
        student.user_id,
        *[
            lambda lesson_id=lesson_id: it.repository.complete_lesson(user_id=student.user_id, lesson_id=lesson_id)
            for lesson_id in together
        ],
    )
    assert sorted(done.modules_completed for done in outcomes) == list(range(4 - len(together), 4))
    assert [done.modules_completed for done in outcomes if done.certificate is not None] == [3]
    assert it.count("certificates") == 1
    assert it.row("tripwire_users")["modules_completed"] == 3
    assert it.row("tripwire_users")["status"] == "completed"
    assert it.row("tripwire_user_profile")["completion_percentage"] == 100
    assert it.row("user_statistics")["lessons_completed"] == 3
    assert set(achievements(it, student.user_id).values()) == {(1, True), (3, True)}


def test_completing_and_blocking_at_once_ends_in_one_order_or_the_other(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.qualify(student.user_id, 67)
    done, blocked = it.at_once_on(
        student.user_id,
        lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=67),
        lambda: it.repository.set_student_status(user_id=student.user_id, status="blocked", manager_id=manager.user_id),
    )
    assert blocked.changed
    assert it.row("tripwire_users")["status"] == "blocked"
    completed = it.row("student_progress", lesson_id=67)["status"] == "completed"
    assert completed != isinstance(done, StudentNotActive)
    assert it.row("tripwire_users")["modules_completed"] == int(completed)


def test_completing_and_deleting_at_once_leaves_nothing_of_the_student(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.qualify(student.user_id, 67)
    done, gone = it.at_once_on(
        student.user_id,
        lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=67),
        lambda: it.repository.delete_student(user_id=student.user_id, manager_id=manager.user_id),
    )
    assert gone.deleted
    assert isinstance(done, NotFound) or done.modules_completed == 1
    assert {name for name, content in it.dump() if str(student.user_id) in content} == {"public.sales_activity_log"}
