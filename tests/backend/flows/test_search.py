"""Searching by JSON containment."""

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import Segment


def test_activity_is_found_by_what_its_details_contain_newest_first(clocked: World, clock: Clock):
    manager, other = clocked.manager(), clocked.manager()
    for who, details in ((manager, {"n": 1, "tags": ["a", "b"]}), (other, {"n": 1}), (manager, {"n": 2})):
        clock.advance(1)
        clocked.repository.log_activity(manager_id=who.user_id, action_type="email_sent", details=details)
    search = clocked.repository.search_activity
    assert [row.details for row in search(details={"n": 1})] == [{"n": 1}, {"n": 1, "tags": ["a", "b"]}]
    assert [row.details["n"] for row in search(details={"tags": ["b"]})] == [1]
    assert [row.details for row in search(details={"n": 1}, manager_id=manager.user_id)] == [
        {"n": 1, "tags": ["a", "b"]}
    ]
    assert [row.details["n"] for row in search(details={}, manager_id=str(manager.user_id))] == [2, 1]
    assert len(search(details={}, limit=1)) == 1
    assert search(details={"n": "1"}) == []
    assert {row.action_type for row in search(details={"email": manager.email})} == {"user_created"}


def test_an_activity_that_was_found_is_the_one_that_was_written(it: World):
    manager = it.manager()
    student = it.student(manager)
    written = it.repository.log_activity(
        manager_id=manager.user_id, action_type="password_reset", target_user_id=student.user_id, details={"key": "v"}
    )
    assert it.repository.search_activity(details={"key": "v"}) == [written]
    assert it.repository.get_manager_activity(manager_id=manager.user_id, limit=1).rows == (written,)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("segment", [(0, 1440), Segment(0, 1440), (0.0, 1440.0)])
def test_segments_find_the_qualified_who_hold_exactly_these(it: World, segment, kept: bool):
    manager = it.manager()
    students = [it.student(manager) for _ in range(4)]
    stored = ([{"start": 0, "end": 1440}], [{"start": 0, "end": 1440}, {"start": 1500, "end": 1600.5}])
    for student, segments in zip(students, (*stored, [{"start": 0, "end": 1500}], stored[0]), strict=True):
        it.execute(
            "UPDATE video_tracking SET watched_segments = %s::text::jsonb, is_qualified_for_completion = true"
            " WHERE user_id = %s",
            str(segments).replace("'", '"'),
            student.user_id,
        )
    it.execute("UPDATE video_tracking SET is_qualified_for_completion = false WHERE user_id = %s", students[3].user_id)
    if kept:  # as a release does that keeps the set to be searched
        it.execute("UPDATE video_tracking SET qualified_segments = watched_segments")
    search = it.repository.search_watched_segments
    found = sorted(student.user_id for student in students[:2])
    assert search(lesson_id=67, segment=segment) == found
    assert search(lesson_id=67, segment=segment, limit=1) == found[:1]
    assert search(lesson_id=68, segment=segment) == []
    assert search(lesson_id=67, segment=(1500, 1600.5)) == [students[1].user_id]


def test_a_segment_is_found_as_the_flow_stored_it(it: World):
    student = it.student()
    it.repository.update_video_tracking(user_id=student.user_id, lesson_id=67, segments=[(0.1004, 20.25)], position=20)
    it.qualify(student.user_id, 67)
    assert it.repository.search_watched_segments(lesson_id=67, segment=(0.1, 20.25)) == [student.user_id]
