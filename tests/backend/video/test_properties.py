"""The properties of honest video tracking, each against the server."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backend.video.conftest import PROFILE, MakeViewer, both
from tests.backend.video.model import Model, closed, length
from tests.backend.video.strategies import DURATION, payloads, ranges, sessions
from tripwire_db import WatchPolicy

STATUSES = ("not_started", "in_progress", "completed")


@both
@PROFILE
@given(session=sessions())
def test_every_call_does_what_the_model_says(make_viewer: MakeViewer, session):
    viewer, model = make_viewer(duration=DURATION), Model(DURATION * 1000)
    now = 0
    for pause, segments in session:
        now += pause
        viewer.clock.advance(ms=pause)
        was_qualified = model.qualified
        new = model.call(segments, now)
        progress = viewer.played(*segments)
        assert [(round(s * 1000), round(e * 1000)) for s, e in progress.segments] == model.ranges
        assert progress.unique_seconds == model.unique / 1000
        assert progress.counted_seconds == model.counted / 1000
        assert progress.new_seconds == new / 1000
        assert progress.percentage == model.percentage
        assert (progress.qualified, progress.newly_qualified) == (
            model.qualified,
            model.qualified and not was_qualified,
        )
        assert progress.held_back_seconds == (model.unique - model.counted) / 1000
        assert progress.status == ("in_progress" if model.counted else "not_started")
        assert progress.warnings == ()
    row = viewer.row
    assert viewer.ranges == model.ranges
    assert (row["counted_ms"], row["allowance_ms"]) == (model.counted, model.allowance)
    assert (row["total_watched_seconds"], row["watch_percentage"]) == (model.counted // 1000, model.percentage)
    assert row["is_qualified_for_completion"] == model.qualified
    assert viewer.it.row("user_statistics", user_id=viewer.user_id)["total_time_spent"] == model.counted // 1000


@PROFILE
@given(calls=st.lists(payloads(), min_size=1, max_size=6))
def test_the_stored_set_is_a_bitmap_with_its_gaps_closed(make_viewer: MakeViewer, calls):
    viewer = make_viewer(duration=DURATION)
    for segments in calls:
        progress = viewer.played(*segments)
    expected = closed([part for segments in calls for part in segments], DURATION * 1000)
    assert viewer.ranges == expected
    assert progress.unique_seconds == length(expected) / 1000


@PROFILE
@given(
    stretches=st.lists(ranges(), min_size=1, max_size=12),
    order=st.randoms(use_true_random=False),
    groups=st.integers(1, 6),
)
def test_any_order_grouping_and_splitting_gives_the_same_set(
    make_viewer: MakeViewer, stretches, order: random.Random, groups: int
):
    together, apart = make_viewer(duration=DURATION), make_viewer(duration=DURATION)
    together.played(*stretches)
    pieces = []
    for start, end in stretches:
        cut = order.randint(start, end)
        pieces += [(a, b) for a, b in ((start, cut), (cut, end)) if a < b]
    order.shuffle(pieces)
    for group in range(groups):
        apart.played(*pieces[group::groups])
    assert apart.ranges == together.ranges


@PROFILE
@given(calls=st.lists(payloads(), min_size=1, max_size=5))
def test_a_call_sent_twice_leaves_the_set_as_it_is_and_under_a_frozen_clock_everything(make_viewer: MakeViewer, calls):
    viewer = make_viewer(duration=DURATION)
    for segments in calls:
        once = viewer.played(*segments)
        rows = viewer.rows
        twice = viewer.played(*segments)
        assert viewer.rows == rows
        assert twice.new_seconds == 0
        assert (twice.segments, twice.counted_seconds) == (once.segments, once.counted_seconds)
    viewer.clock.advance(60)
    before = viewer.ranges
    for segments in calls:
        viewer.played(*segments)
    assert viewer.ranges == before


@PROFILE
@given(session=sessions())
def test_nothing_ever_falls_and_counted_stays_within_unique_within_the_duration(make_viewer: MakeViewer, session):
    viewer = make_viewer(duration=DURATION)
    for pause, segments in session:
        viewer.clock.advance(ms=pause)
        viewer.played(*segments)
    for progress in viewer.calls:
        assert 0 <= progress.counted_seconds <= progress.unique_seconds <= DURATION
        assert 0 <= progress.percentage <= 100
        assert progress.new_seconds >= 0
    for earlier, later in zip(viewer.calls, viewer.calls[1:], strict=False):
        assert later.unique_seconds >= earlier.unique_seconds
        assert later.counted_seconds >= earlier.counted_seconds
        assert later.percentage >= earlier.percentage
        assert later.qualified >= earlier.qualified
        assert STATUSES.index(later.status) >= STATUSES.index(earlier.status)
    assert sum(progress.newly_qualified for progress in viewer.calls) <= 1


@PROFILE
@given(session=sessions(600))
def test_what_counts_never_grows_faster_than_a_person_can_watch(make_viewer: MakeViewer, session):
    viewer, elapsed = make_viewer(duration=600), 0
    latest = now = 0
    for index, (pause, segments) in enumerate(session):
        now += pause
        viewer.clock.advance(ms=pause)
        if index:
            elapsed += min(max(0, now - latest), 120_000)
        latest = max(latest, now) if index else now
        progress = viewer.played(*segments)
        assert progress.counted_seconds * 1000 <= 30_000 + 2 * elapsed + 1e-6


@PROFILE
@given(session=sessions(600))
def test_the_new_seconds_add_up_to_the_counted_and_time_spent_does_not_drift(make_viewer: MakeViewer, session):
    viewer = make_viewer(duration=600)
    for pause, segments in session:
        viewer.clock.advance(ms=abs(pause))
        viewer.played(*segments)
    counted = viewer.calls[-1].counted_seconds
    assert round(sum(progress.new_seconds for progress in viewer.calls), 3) == counted
    spent = viewer.it.row("user_statistics", user_id=viewer.user_id)["total_time_spent"]
    assert spent == viewer.row["total_watched_seconds"] == int(counted)


@PROFILE
@given(session=sessions(), back=st.integers(1, 100_000))
def test_a_clock_that_goes_back_takes_nothing_and_gives_nothing_twice(make_viewer: MakeViewer, session, back: int):
    viewer = make_viewer(duration=DURATION)
    for pause, segments in session:
        viewer.clock.advance(ms=abs(pause))
        viewer.played(*segments)
    before, row = viewer.calls[-1], viewer.row
    viewer.clock.advance(ms=-back)
    after = viewer.played((0, DURATION * 1000))
    assert after.counted_seconds == max(before.counted_seconds, min(DURATION, row["allowance_ms"] / 1000))
    assert viewer.row["allowance_ms"] == row["allowance_ms"]
    assert viewer.row["last_seen_at"] == row["last_seen_at"]
    viewer.clock.advance(ms=back)
    viewer.played()
    assert viewer.row["allowance_ms"] == row["allowance_ms"]


@PROFILE
@given(duration=st.integers(2, 7200))
def test_just_below_80_percent_does_not_qualify_and_80_percent_does(make_viewer: MakeViewer, duration: int):
    viewer = make_viewer(duration=duration, policy=WatchPolicy(max_rate=None))
    needed = -(-duration * 1000 * 80 // 100)  # whole milliseconds, rounded up
    below = viewer.played((0, needed - 1))
    assert not below.qualified
    assert below.percentage <= 79
    enough = viewer.played((needed - 1, needed))
    assert (enough.qualified, enough.newly_qualified, enough.percentage) == (True, True, 80)


@PROFILE
@given(
    session=sessions(),
    threshold=st.sampled_from([0.01, 0.5, 0.8, 0.8125, 1.0]),
    gap=st.sampled_from([0.0, 0.001, 0.25, 5.0]),
    rate=st.sampled_from([None, 0.5, 1.0, 3.5]),
    grant=st.sampled_from([0.0, 0.001, 10.0, 600.0]),
    cap=st.sampled_from([0.0, 1.5, 120.0, 3600.0]),
)
def test_another_policy_counts_by_its_own_numbers(  # noqa: PLR0917 - one argument for each of its numbers
    make_viewer: MakeViewer, session, threshold, gap, rate, grant, cap
):
    policy = WatchPolicy(
        threshold=threshold, gap_seconds=gap, max_rate=rate, first_grant_seconds=grant, idle_cap_seconds=cap
    )
    viewer = make_viewer(duration=DURATION, policy=policy)
    model = Model(DURATION * 1000, threshold, round(gap * 1000), rate, round(grant * 1000), round(cap * 1000))
    now = 0
    for pause, segments in session:
        now += pause
        viewer.clock.advance(ms=pause)
        new = model.call(segments, now)
        progress = viewer.played(*segments)
        assert progress.new_seconds == new / 1000
        assert progress.qualified == model.qualified
    assert viewer.ranges == model.ranges


@both
@pytest.mark.parametrize("threads", [8])
def test_many_threads_give_what_one_gives(make_viewer: MakeViewer, threads: int):
    rng = random.Random(67)
    policy = WatchPolicy(max_rate=None)
    together, alone = make_viewer(policy=policy), make_viewer(policy=policy)
    starts = [rng.randrange(0, 1_799_000) for _ in range(40 * threads)]
    calls = [(start, start + rng.randrange(1, 12_000)) for start in starts]
    calls = [(start, min(end, 1_800_000)) for start, end in calls]
    shuffled = [*calls, *rng.sample(calls, 40)]
    rng.shuffle(shuffled)
    with ThreadPoolExecutor(threads) as pool:
        counts = list(pool.map(lambda call: together.played(call).new_seconds, shuffled))
    for call in calls:
        alone.played(call)
    assert together.ranges == alone.ranges == closed(calls, 1_800_000)
    assert together.row["counted_ms"] == alone.row["counted_ms"]
    assert round(sum(counts), 3) == together.row["counted_ms"] / 1000
    assert (
        together.it.row("user_statistics", user_id=together.user_id)["total_time_spent"]
        == together.row["total_watched_seconds"]
    )


def test_more_tabs_and_devices_gain_nothing(make_viewer: MakeViewer):
    viewer = make_viewer()
    for _ in range(10):
        viewer.clock.advance(10)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda tab: viewer.played((tab * 300_000, (tab + 1) * 300_000)), range(6)))
    assert viewer.row["counted_ms"] == 30_000 + 2 * 9 * 10_000


@pytest.mark.heavy
def test_eight_threads_with_4000_shuffled_heartbeats_each_give_what_one_gives(make_viewer: MakeViewer):
    rng = random.Random(1)
    policy = WatchPolicy(max_rate=None)
    viewer = make_viewer(policy=policy)
    calls = [(start := rng.randrange(0, 1_790_000), start + rng.randrange(1, 9_000)) for _ in range(32_000)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(viewer.played, calls))
    assert viewer.ranges == closed(calls, 1_800_000)
