"""Heartbeats that wait for one another tell what is, not what was when they began; and rows tell when they were made."""

from datetime import UTC

import pytest

from tests.backend.flows.world import World
from tripwire_db.errors import InvalidInput


def heartbeat(it: World, student, start: int, end: int):
    return it.repository.update_video_tracking(
        user_id=student.user_id, lesson_id=67, segments=[(start, end)], position=end
    )


def test_the_first_heartbeats_of_three_tabs_are_all_kept_and_tell_that_the_lesson_is_begun(it: World):
    student = it.student()
    told = it.at_once_on(
        student.user_id,
        lambda: heartbeat(it, student, 0, 10),
        lambda: heartbeat(it, student, 10, 22),
        lambda: heartbeat(it, student, 30, 34),
    )
    assert {progress.status for progress in told} == {"in_progress"}
    assert it.row("student_progress", user_id=student.user_id)["status"] == "in_progress"
    stored = it.row("video_tracking", user_id=student.user_id)["watched_segments"]
    assert stored == [{"start": 0, "end": 22}, {"start": 30, "end": 34}]


def test_a_heartbeat_that_waited_for_a_completion_tells_that_the_lesson_is_completed(it: World):
    student = it.student()
    heartbeat(it, student, 0, 10)
    it.qualify(student.user_id, 67)
    done, progress = it.at_once_on(
        student.user_id,
        lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=67),
        lambda: heartbeat(it, student, 10, 20),
    )
    assert done.modules_completed == 1
    # Whichever of them came first, nobody was told less than what was true when the call ended.
    assert progress.status in ("in_progress", "completed")
    assert heartbeat(it, student, 20, 30).status == "completed"


@pytest.mark.parametrize("begun", [True, False])
def test_a_completion_that_a_heartbeat_waited_for_is_told_and_stays(it: World, begun: bool):
    student = it.student()
    if begun:
        heartbeat(it, student, 0, 10)
    progress = it.behind(
        f"""UPDATE tripwire_users SET modules_completed = 1 WHERE user_id = '{student.user_id}';
        UPDATE student_progress SET status = 'completed', completed_at = now() WHERE user_id = '{student.user_id}'""",
        lambda: heartbeat(it, student, 10, 20),
    )
    assert progress.status == "completed"
    assert it.row("student_progress", user_id=student.user_id)["status"] == "completed"


@pytest.mark.parametrize(
    "table",
    ["users", "tripwire_users", "tripwire_user_profile", "student_progress", "video_tracking", "user_statistics"],
)
def test_a_new_row_was_updated_when_it_was_made_by_the_clock_too(clocked: World, clock, table: str):
    student = clocked.student()
    key = "id" if table == "users" else "user_id"
    row = clocked.row(table, **{key: student.user_id})
    assert row["updated_at"] == row["created_at"] == clock().astimezone(UTC)


def test_only_a_flow_can_be_explained(it: World):
    with pytest.raises(InvalidInput, match="flow"):
        it.repository.explain("SELECT 1")
