"""Opening the module after the highest completed one."""

from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import NotEligible, NotFound, StudentNotActive


def lock(it: World, user_id, module_id: int) -> None:
    """Take away what completing the module before had opened, as an older backend left it."""
    it.execute("DELETE FROM module_unlocks WHERE user_id = %s AND module_id = %s", user_id, module_id)
    it.execute("DELETE FROM student_progress WHERE user_id = %s AND module_id = %s", user_id, module_id)
    it.execute("DELETE FROM video_tracking WHERE user_id = %s AND lesson_id = %s", user_id, module_id + 51)


@pytest.mark.parametrize(("completed", "module_id"), [((), 16), ((67,), 17), ((67, 68), 18)])
def test_it_opens_the_module_after_the_highest_completed_one(
    clocked: World, clock: Clock, completed: tuple[int, ...], module_id: int
):
    manager = clocked.manager()
    student = clocked.student(manager)
    clocked.complete(student.user_id, *completed)
    lock(clocked, student.user_id, module_id)
    clock.advance(60)
    unlock = clocked.repository.unlock_next_module(user_id=student.user_id)
    assert (unlock.user_id, unlock.module_id, unlock.lesson_id) == (student.user_id, module_id, module_id + 51)
    assert unlock.newly_unlocked
    assert clocked.row("module_unlocks", module_id=module_id)["unlocked_at"] == clock.now
    progress = clocked.row("student_progress", module_id=module_id)
    assert (progress["lesson_id"], progress["status"]) == (module_id + 51, "not_started")
    video = clocked.row("video_tracking", lesson_id=module_id + 51)
    assert (video["video_duration_seconds"], video["last_seen_at"]) == (1800, None)
    log = clocked.row("sales_activity_log", created_at=clock.now)
    assert (log["action_type"], log["manager_id"]) == ("module_unlocked", manager.user_id)
    assert log["details"] == {"email": student.email, "full_name": student.full_name, "module_id": module_id}


@pytest.mark.parametrize("completed", [(), (67,), (67, 68)])
def test_called_again_it_returns_the_same_and_opens_no_more(it: World, completed: tuple[int, ...]):
    student = it.student()
    it.complete(student.user_id, *completed)
    before = it.dump()
    first, second = (it.repository.unlock_next_module(user_id=student.user_id) for _ in range(2))
    assert first == second
    assert (first.module_id, first.newly_unlocked) == (16 + len(completed), False)
    assert it.dump() == before


def test_watching_the_new_module_is_kept_when_it_is_opened_again(it: World):
    student = it.student()
    it.repository.update_video_tracking(user_id=student.user_id, lesson_id=67, segments=[(0, 10)], position=10)
    it.execute("DELETE FROM module_unlocks")
    assert it.repository.unlock_next_module(user_id=student.user_id).newly_unlocked
    assert it.row("video_tracking")["watched_segments"] == [{"start": 0, "end": 10}]
    assert it.row("student_progress")["status"] == "in_progress"


def test_after_the_last_module_there_is_none_to_open(it: World):
    student = it.graduate()
    before = it.dump()
    with pytest.raises(NotEligible, match="last module"):
        it.repository.unlock_next_module(user_id=student.user_id)
    assert it.dump() == before


@pytest.mark.parametrize("status", ["blocked", "inactive"])
def test_a_blocked_or_inactive_student_is_refused(it: World, status: str):
    student = it.student()
    lock(it, student.user_id, 16)
    it.status(student.user_id, status)
    before = it.dump()
    with pytest.raises(StudentNotActive):
        it.repository.unlock_next_module(user_id=student.user_id)
    assert it.dump() == before


def test_an_unknown_student_is_not_found(it: World):
    with pytest.raises(NotFound):
        it.repository.unlock_next_module(user_id=uuid4())


def test_two_at_once_open_it_once(it: World):
    student = it.student()
    it.complete(student.user_id, 67)
    lock(it, student.user_id, 17)
    outcomes = it.at_once_on(student.user_id, *[lambda: it.repository.unlock_next_module(user_id=student.user_id)] * 3)
    assert {unlock.module_id for unlock in outcomes} == {17}
    assert sorted(unlock.newly_unlocked for unlock in outcomes) == [False, False, True]
    assert it.count("module_unlocks", module_id=17) == 1
    assert it.count("sales_activity_log", action_type="module_unlocked") == 2  # by the completion, and by this


def test_unlocking_while_the_module_is_completed_opens_never_more_than_the_next(it: World):
    student = it.student()
    it.qualify(student.user_id, 67)
    done, unlock = it.at_once_on(
        student.user_id,
        lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=67),
        lambda: it.repository.unlock_next_module(user_id=student.user_id),
    )
    assert done.unlocked_module_id == 17
    assert unlock.module_id in {16, 17}
    assert {row["module_id"] for row in it.rows("module_unlocks")} == {16, 17}
