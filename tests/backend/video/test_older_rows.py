"""Rows of older backends, durations that change, modules and lessons that are archived."""

import json

import pytest

from tests.backend.video.conftest import Viewer, both
from tripwire_db import InvalidInput, ModuleLocked, Segment, StudentNotActive


def stored(viewer: Viewer, segments: object, **columns: object) -> None:
    """Put a row there as an older backend left it."""
    values = {"watched_segments": json.dumps(segments), **columns}
    sets = ", ".join(f"{name} = %s" for name in values)
    viewer.it.execute(
        f"UPDATE video_tracking SET {sets} WHERE user_id = %s".replace(
            "watched_segments = %s", "watched_segments = %s::jsonb"
        ),
        *values.values(),
        viewer.user_id,
    )


ODD = {
    "nothing": ([], 0),
    "numbers as text": ([{"start": "0", "end": "10"}], 0),
    "null": ([None, {"start": None, "end": 10}], 0),
    "no end": ([{"start": 0}], 0),
    "other keys": ([{"from": 0, "to": 10}], 0),
    "numbers alone": ([0, 10], 0),
    "pairs": ([[0, 10]], 0),
    "a nested list": ([[{"start": 0, "end": 10}]], 10),
    "a list nested twice": ([[[{"start": 0, "end": 10}]]], 0),
    "a nested text": (['[{"start": 0, "end": 10}]'], 0),
    "booleans": ([{"start": False, "end": True}], 0),
    "lists for numbers": ([{"start": [0], "end": [10]}], 0),
    "objects for numbers": ([{"start": {"s": 0}, "end": 10}], 0),
    "the end before the start": ([{"start": 10, "end": 0}], 0),
    "before the beginning": ([{"start": -10, "end": 10}], 10),
    "past the end": ([{"start": 1790, "end": 1e9}], 10),
    "all past the end": ([{"start": 1e300, "end": 1e301}], 0),
    "beyond what a float can hold": ([{"start": 1795, "end": 10**400}], 5),
    "overlapping and unsorted": ([{"start": 5, "end": 10}, {"start": 0, "end": 6}], 10),
    "more keys": ([{"start": 0, "end": 10, "speed": 2}], 10),
    "fractions of milliseconds": ([{"start": 0.00049, "end": 9.99951}], 10),
    "good ones among odd ones": (["x", {"start": 0, "end": 10}, {"start": "a", "end": 3}], 10),
}


@pytest.mark.parametrize("odd", ODD, ids=ODD.keys())
def test_what_can_be_read_of_an_older_set_is_kept_and_the_rest_gives_nothing(viewer: Viewer, odd: str):
    segments, unique = ODD[odd]
    stored(viewer, segments)
    (video,) = viewer.it.repository.get_student(user_id=viewer.user_id).video
    assert all(isinstance(part, Segment) for part in video.segments)
    assert viewer.plays().unique_seconds == unique
    progress = viewer.plays((100, 110))
    assert progress.unique_seconds == unique + 10
    assert Segment(100, 110) in progress.segments


def test_what_counted_before_goes_on_counting_even_where_the_set_is_shorter(viewer: Viewer):
    stored(viewer, [{"start": 0, "end": 10}], counted_ms=1_000_000, total_watched_seconds=1000, watch_percentage=55)
    progress = viewer.plays((10, 20))
    assert (progress.unique_seconds, progress.counted_seconds, progress.new_seconds) == (20, 1000, 0)
    assert (progress.percentage, progress.held_back_seconds) == (55, 0)
    assert progress.status == "in_progress"
    assert viewer.it.row("user_statistics", user_id=viewer.user_id)["total_time_spent"] == 0


def test_a_flag_that_was_set_stays_whatever_the_set_says(viewer: Viewer):
    stored(viewer, [], is_qualified_for_completion=True, watch_percentage=12)
    progress = viewer.plays((0, 10))
    assert (progress.qualified, progress.newly_qualified, progress.percentage) == (True, False, 12)
    assert viewer.it.repository.complete_lesson(user_id=viewer.user_id, lesson_id=67).modules_completed == 1


def test_a_percentage_that_was_shown_never_falls(viewer: Viewer):
    stored(viewer, [], watch_percentage=79, total_watched_seconds=1425)
    viewer.plays((0, 10))
    assert (viewer.row["watch_percentage"], viewer.row["total_watched_seconds"]) == (79, 1425)


@both
def test_a_row_that_was_never_made_is_made_by_the_first_heartbeat(viewer: Viewer):
    viewer.it.execute("DELETE FROM video_tracking WHERE user_id = %s", viewer.user_id)
    viewer.it.execute("DELETE FROM student_progress WHERE user_id = %s", viewer.user_id)
    viewer.it.execute("DELETE FROM user_statistics WHERE user_id = %s", viewer.user_id)
    progress = viewer.plays((0, 20.5), position=20)
    assert (progress.counted_seconds, progress.new_seconds, progress.status) == (20.5, 20.5, "in_progress")
    assert viewer.row["watched_segments"] == [{"start": 0, "end": 20.5}]
    assert viewer.it.row("user_statistics", user_id=viewer.user_id)["total_time_spent"] == 20
    assert viewer.it.row("student_progress", user_id=viewer.user_id)["module_id"] == 16


def test_a_row_that_was_never_made_is_not_made_by_a_heartbeat_that_is_refused(viewer: Viewer):
    viewer.it.execute("DELETE FROM video_tracking WHERE user_id = %s", viewer.user_id)
    with pytest.raises(InvalidInput, match="past the lesson's duration"):
        viewer.plays((0, 5000))
    with pytest.raises(ModuleLocked):
        viewer.it.repository.update_video_tracking(user_id=viewer.user_id, lesson_id=68, segments=[(0, 9)], position=9)
    viewer.it.status(viewer.user_id, "blocked")
    with pytest.raises(StudentNotActive):
        viewer.plays((0, 9))
    assert not viewer.it.rows("video_tracking", user_id=viewer.user_id)


def test_a_longer_duration_takes_neither_flag_nor_percentage(viewer: Viewer):
    stored(viewer, [{"start": 0, "end": 1440}], counted_ms=1_440_000, allowance_ms=1_440_000)
    assert viewer.plays().qualified
    viewer.it.execute("UPDATE lessons SET duration_seconds = 3600 WHERE id = 67")
    progress = viewer.plays((3000, 3010))
    assert (progress.qualified, progress.newly_qualified, progress.percentage) == (True, False, 80)
    assert viewer.row["video_duration_seconds"] == 3600


def test_a_shorter_duration_clips_the_set_at_the_next_call_and_takes_nothing(viewer: Viewer):
    stored(viewer, [{"start": 0, "end": 900}], counted_ms=900_000, allowance_ms=900_000)
    viewer.it.execute("UPDATE user_statistics SET total_time_spent = 900 WHERE user_id = %s", viewer.user_id)
    assert viewer.plays().percentage == 50
    viewer.it.execute("UPDATE lessons SET duration_seconds = 600 WHERE id = 67")
    progress = viewer.plays()
    assert progress.segments == (Segment(0, 600),)
    assert (progress.unique_seconds, progress.counted_seconds) == (600, 600)
    assert (progress.percentage, progress.held_back_seconds, progress.new_seconds) == (100, 0, 0)
    assert viewer.it.row("user_statistics", user_id=viewer.user_id)["total_time_spent"] == 900
    viewer.it.execute("UPDATE lessons SET duration_seconds = 1800 WHERE id = 67")
    assert viewer.plays().percentage == 100


def test_what_was_cut_from_a_video_qualifies_nobody(viewer: Viewer):
    stored(viewer, [{"start": 1000, "end": 1800}], counted_ms=800_000, allowance_ms=800_000)
    assert viewer.plays().percentage == 44
    viewer.it.execute("UPDATE lessons SET duration_seconds = 900 WHERE id = 67")
    progress = viewer.plays()
    assert (progress.segments, progress.unique_seconds, progress.counted_seconds) == ((), 0, 0)
    assert (progress.percentage, progress.qualified, progress.new_seconds) == (44, False, 0)


def test_a_row_of_older_times_goes_on_from_what_it_counted(viewer: Viewer):
    stored(
        viewer, [{"start": 0, "end": 1400}], counted_ms=1_400_000, allowance_ms=0, last_seen_at=None,
        total_watched_seconds=1400, watch_percentage=77,
    )  # fmt: skip
    progress = viewer.plays((1400, 1440))
    assert (progress.counted_seconds, progress.held_back_seconds) == (1430, 10)


def test_an_archived_module_or_lesson_that_is_open_may_be_watched_on(viewer: Viewer):
    viewer.plays((0, 10))
    viewer.it.execute("UPDATE lessons SET archived = true WHERE id = 67")
    viewer.it.execute("UPDATE modules SET archived = true WHERE id = 16")
    try:
        assert viewer.plays((10, 20)).unique_seconds == 20
    finally:
        viewer.it.execute("UPDATE lessons SET archived = false")
        viewer.it.execute("UPDATE modules SET archived = false")
