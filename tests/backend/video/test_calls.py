"""Single calls: what is refused leaves every row as it was, and what a player is told."""

import decimal
from datetime import UTC, datetime
from itertools import count, repeat
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backend.flows.world import world
from tests.backend.video.conftest import PROFILE, MakeViewer, Viewer, both
from tests.backend.video.strategies import payloads
from tripwire_db import InvalidInput, ModuleLocked, NotFound, Segment, StudentNotActive, WatchPolicy

NAN, INFINITY = float("nan"), float("inf")

BAD_SEGMENTS = {
    "a start that is not a number": [(NAN, 10)],
    "an end that is not a number": [(0, NAN)],
    "an endless end": [(0, INFINITY)],
    "an endless start": [(-INFINITY, 10)],
    "a negative start": [(-0.001, 10)],
    "an end at the start": [(10, 10)],
    "an end before the start": [(10, 9)],
    "a bool": [(False, True)],
    "strings": [("0", "10")],
    "bytes": [(b"0", b"10")],
    "nothing for an end": [(0, None)],
    "a number of the complex kind": [(0, 10j)],
    "one number": [(10,)],
    "three numbers": [(0, 5, 10)],
    "an endless pair": [repeat(0)],
    "a pair that counts for ever": [count()],
    "a huge pair": [range(10**12)],
    "no pair": [10],
    "a string of two": ["05"],
    "a mapping": [{"start": 0, "end": 10}],
    "nothing": None,
    "a number": 10,
    "a text": "0-10",
    "a mapping instead of a list": {0: 10},
    "a good one and then a bad one": [(0, 10), (20, 15)],
    "a bad one after 199": [*[(n, n + 1) for n in range(199)], (5, 4)],
    "201 of them": [(n, n + 1) for n in range(201)],
    "endlessly many": repeat((0, 1)),
    "an end 18.001 s past the duration": [(0, 1818.001)],
    "an end beyond all numbers": [(0, 10**400)],
    "an end of 10^300": [(0, 1e300)],
    "an end that int4 cannot hold": [(0, 2**31)],
    "a start beyond the tolerance": [(1900, 1901)],
}


@both
@pytest.mark.parametrize("bad", BAD_SEGMENTS, ids=BAD_SEGMENTS.keys())
def test_a_refused_call_leaves_every_row_byte_for_byte(viewer: Viewer, bad: str):
    viewer.plays((100, 120.5), position=120)
    viewer.clock.advance(60)
    before = viewer.rows
    segments = BAD_SEGMENTS[bad]
    with pytest.raises(InvalidInput):
        viewer.it.repository.update_video_tracking(user_id=viewer.user_id, lesson_id=67, segments=segments, position=0)
    assert viewer.rows == before


@pytest.mark.parametrize("position", [-0.001, -1, NAN, INFINITY, -INFINITY, True, None, "10", b"1", 10**400, [1]])
def test_a_bad_position_is_refused(viewer: Viewer, position):
    before = viewer.rows
    with pytest.raises(InvalidInput, match="position"):
        viewer.plays((0, 10), position=position)
    assert viewer.rows == before


@pytest.mark.parametrize("client_duration", [INFINITY, -INFINITY, NAN, 0, 0.0, -1, 10**400, 1e308])
def test_a_player_that_does_not_know_the_duration_is_warned_and_its_stretches_are_stored(
    viewer: Viewer, client_duration
):
    progress = viewer.plays((0, 10), client_duration=client_duration)
    (warning,) = progress.warnings
    assert "1800 s count" in warning
    assert progress.unique_seconds == 10


def test_a_players_duration_is_compared_exactly_whatever_the_decimal_context_is(viewer: Viewer):
    with decimal.localcontext(decimal.Context(prec=1, traps=list(decimal.Context().traps))):
        assert not viewer.plays((0, 10), client_duration=1818.0).warnings
        assert viewer.plays((0, 10), client_duration=1818.001).warnings


def test_time_counted_without_a_rate_does_not_hold_back_what_is_watched_with_one(make_viewer: MakeViewer):
    """The allowance stood below what was counted: minutes of honest watching counted nothing."""
    free = make_viewer(policy=WatchPolicy(max_rate=None))
    free.plays((0, 600))
    assert free.row["allowance_ms"] >= free.row["counted_ms"] == 600_000
    strict = make_viewer(policy=WatchPolicy(threshold=0.81))
    strict.user_id = free.user_id
    counted = []
    for start in range(600, 660, 10):
        strict.clock.advance(10)
        counted.append(strict.plays((start, start + 10)).counted_seconds)
    assert counted == [610, 620, 630, 640, 650, 660]


def test_an_allowance_that_an_older_release_left_below_the_count_goes_on_from_the_count(viewer: Viewer):
    viewer.plays((0, 10))
    viewer.it.execute(
        "UPDATE video_tracking SET counted_ms = 600000, allowance_ms = 30000 WHERE user_id = %s", viewer.user_id
    )
    viewer.clock.advance(10)
    assert viewer.plays((0, 620)).counted_seconds == 620


@pytest.mark.parametrize("client_duration", [True, "1800", [1800]])
def test_a_bad_duration_of_the_client_is_refused(viewer: Viewer, client_duration):
    before = viewer.rows
    with pytest.raises(InvalidInput, match="client_duration"):
        viewer.plays((0, 10), client_duration=client_duration)
    assert viewer.rows == before


@both
def test_whoever_or_whatever_is_unknown_or_locked_is_refused(viewer: Viewer):
    update = viewer.it.repository.update_video_tracking
    call = {"segments": [(0, 10)], "position": 10}
    before = viewer.rows
    with pytest.raises(NotFound) as raised:
        update(user_id=uuid4(), lesson_id=67, **call)
    assert raised.value.kind == "student"
    for unknown in (0, 66, 2**31 - 1):
        with pytest.raises(NotFound) as raised:
            update(user_id=viewer.user_id, lesson_id=unknown, **call)
        assert raised.value.kind == "lesson"
    for locked in (68, 69):
        with pytest.raises(ModuleLocked):
            update(user_id=viewer.user_id, lesson_id=locked, **call)
    for status in ("blocked", "inactive"):
        viewer.it.status(viewer.user_id, status)
        told = viewer.rows
        with pytest.raises(StudentNotActive, match=status):
            update(user_id=viewer.user_id, lesson_id=67, **call)
        assert viewer.rows == told
    viewer.it.status(viewer.user_id, "active")
    assert [row for row in viewer.rows if "tripwire_users" not in row[0]] == [
        row for row in before if "tripwire_users" not in row[0]
    ]


def test_a_completed_student_may_go_on_watching(viewer: Viewer):
    viewer.it.complete(viewer.user_id, 67)
    viewer.it.status(viewer.user_id, "completed")
    progress = viewer.plays((0, 10))
    assert (progress.counted_seconds, progress.status, progress.qualified) == (10, "completed", True)


def test_an_empty_list_is_a_keep_alive(viewer: Viewer):
    viewer.plays((0, 10), position=10)
    viewer.clock.advance(60)
    progress = viewer.plays(position=12)
    assert (progress.unique_seconds, progress.new_seconds) == (10, 0)
    assert viewer.row["last_position_seconds"] == 12
    assert viewer.row["allowance_ms"] == 150_000
    assert viewer.row["last_seen_at"] == viewer.clock.now


def test_progress_begins_with_the_first_counted_millisecond_and_not_before(viewer: Viewer):
    assert viewer.plays(position=5).status == "not_started"
    assert viewer.it.row("student_progress", user_id=viewer.user_id)["started_at"] is None
    began = viewer.clock.now
    assert viewer.plays((0, 0.001)).status == "in_progress"
    viewer.clock.advance(60)
    viewer.plays((0, 20))
    assert viewer.it.row("student_progress", user_id=viewer.user_id)["started_at"] == began


def test_creation_is_no_watching_so_a_first_claim_counts_30_seconds_however_old_the_row_is(viewer: Viewer):
    viewer.clock.advance(365 * 86400)
    progress = viewer.plays((0, 1800))
    assert (progress.counted_seconds, progress.held_back_seconds) == (30, 1770)


def test_what_is_held_back_is_credited_by_later_calls_and_idle_time_only_up_to_120_seconds(viewer: Viewer):
    viewer.plays((0, 1800))
    viewer.clock.advance(10)
    assert viewer.plays().new_seconds == 20
    viewer.clock.advance(86_400)
    assert viewer.plays().new_seconds == 240


def test_a_segment_just_past_the_end_is_clipped(make_viewer: MakeViewer):
    for duration, tolerated in ((1800, 1818), (60, 62), (200, 202)):
        viewer = make_viewer(duration=duration)
        progress = viewer.plays((duration - 10, tolerated), position=tolerated + 100)
        assert progress.segments == (Segment(duration - 10, duration),)
        assert viewer.row["last_position_seconds"] == duration
        before = viewer.rows
        with pytest.raises(InvalidInput, match=f"duration of {duration} s"):
            viewer.plays((0, tolerated + 0.001))
        assert viewer.rows == before


@pytest.mark.parametrize(
    ("client_duration", "warned"),
    [(None, False), (1800, False), (1782, False), (1818, False), (1781.999, True), (1818.001, True), (0, True)],
)
def test_a_clients_duration_is_warned_of_and_never_believed(viewer: Viewer, client_duration, warned: bool):
    progress = viewer.plays((0, 30), client_duration=client_duration)
    assert bool(progress.warnings) == warned
    assert progress.percentage == 1
    assert viewer.row["video_duration_seconds"] == 1800
    if warned:
        assert "1800 s" in progress.warnings[0]


@pytest.mark.parametrize(("client_duration", "warned"), [(58, False), (62, False), (57.9, True), (62.1, True)])
def test_the_tolerance_of_a_short_lesson_is_two_seconds(make_viewer: MakeViewer, client_duration, warned: bool):
    viewer = make_viewer(duration=60)
    assert bool(viewer.plays((0, 10), client_duration=client_duration).warnings) == warned


def test_segments_may_be_pairs_lists_or_segments_whole_or_fractional(viewer: Viewer):
    progress = viewer.it.repository.update_video_tracking(
        user_id=viewer.user_id, lesson_id=67, segments=iter([Segment(0, 1.5), [2, 3], (5.25, 6)]), position=6.9
    )
    assert progress.segments == (Segment(0, 3), Segment(5.25, 6))
    assert viewer.row["last_position_seconds"] == 6


def test_times_are_rounded_to_milliseconds_once(viewer: Viewer):
    progress = viewer.plays((0.0004, 0.9996), (5, 5.0001), (1e-9, 2e-9))
    assert progress.segments == (Segment(0, 1),)
    assert viewer.row["watched_segments"] == [{"start": 0, "end": 1}]


def test_200_segments_are_taken(viewer: Viewer):
    progress = viewer.plays(*[(n * 5, n * 5 + 1) for n in range(200)])
    assert progress.unique_seconds == 200


def test_the_position_never_qualifies(viewer: Viewer):
    assert not viewer.plays(position=1800).qualified
    assert viewer.row["counted_ms"] == 0


def test_without_a_clock_the_databases_time_counts(make_viewer: MakeViewer):
    viewer = make_viewer()
    before = datetime.now(UTC)
    viewer.it.execute("UPDATE video_tracking SET last_seen_at = NULL WHERE user_id = %s", viewer.user_id)
    with world("sync", viewer.it.url) as plain:
        plain.repository.update_video_tracking(user_id=viewer.user_id, lesson_id=67, segments=[(0, 10)], position=0)
    assert abs((viewer.row["last_seen_at"] - before).total_seconds()) < 30


@PROFILE
@given(
    good=payloads(1800),
    bad=st.sampled_from([(10.0, 5.0), (-1.0, 5.0), (0.0, NAN), (0.0, 5000.0), (3.0, 3.0)]),
    where=st.integers(0, 6),
)
def test_one_bad_segment_among_good_ones_refuses_the_whole_call(make_viewer: MakeViewer, good, bad, where: int):
    viewer = make_viewer()
    before = viewer.rows
    segments = [(start / 1000, end / 1000) for start, end in good]
    segments.insert(where, bad)
    with pytest.raises(InvalidInput):
        viewer.plays(*segments)
    assert viewer.rows == before


def test_a_position_past_the_end_is_the_end(viewer: Viewer):
    viewer.plays((0, 10), position=1e300)
    assert viewer.row["last_position_seconds"] == 1800


def test_the_set_is_stored_in_order_and_each_number_without_zeros_at_its_end(viewer: Viewer):
    viewer.plays((30.25, 40), (0, 20.5), (100.001, 101.2))
    stored = viewer.it.connection.execute(
        "SELECT watched_segments::text AS text FROM video_tracking WHERE user_id = %s", [viewer.user_id]
    ).fetchone()
    assert stored is not None
    assert stored["text"] == (
        '[{"end": 20.5, "start": 0}, {"end": 40, "start": 30.25}, {"end": 101.2, "start": 100.001}]'
    )


def test_a_call_sent_again_at_the_same_time_writes_no_new_version_of_the_row(viewer: Viewer):
    def version() -> object:
        query = "SELECT ctid::text, xmin::text FROM video_tracking WHERE user_id = %s"
        return viewer.it.connection.execute(query, [viewer.user_id]).fetchone()

    viewer.plays((0, 10), position=10)
    before = version()
    viewer.plays((0, 10), position=10)
    assert version() == before
