"""Who the students of a demo are and when they do what: decided by the seed, at any hour of the day."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripwire_db.demo.clock import SimulatedClock
from tripwire_db.demo.people import DAYS, DOMAIN, Plan, plans

ALMATY = timezone(timedelta(hours=5))
NOON = datetime(2026, 3, 31, 7, tzinfo=UTC)


def days_ago(plan: Plan, now: datetime) -> int:
    return (now.astimezone(ALMATY).date() - plan.sold_at.astimezone(ALMATY).date()).days


def test_the_same_seed_gives_the_same_people_and_another_gives_others():
    assert plans(50, 1, NOON, ALMATY) == plans(50, 1, NOON, ALMATY)
    assert plans(50, 1, NOON, ALMATY)[1:] != plans(50, 2, NOON, ALMATY)[1:]


def test_more_students_leave_the_first_ones_as_they_are():
    assert plans(100, 1, NOON, ALMATY)[:10] == plans(10, 1, NOON, ALMATY)


@given(
    now=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    seed=st.integers(0, 10_000),
)
def test_at_any_hour_everything_comes_in_order_and_nothing_after_now(now: datetime, seed: int):
    for plan in plans(8, seed, now, ALMATY):
        assert plan.sold_at <= now
        assert plan.email.endswith(f"@{DOMAIN}")
        times = [sitting.at for lesson in plan.lessons for sitting in lesson]
        assert times == sorted(times)
        assert all(plan.sold_at < at for at in times)
        # Nobody watches today, so an evening is over.
        assert all(at.astimezone(ALMATY).date() < now.astimezone(ALMATY).date() for at in times)
        assert len(plan.lessons) <= 3
        for earlier in plan.lessons[:-1]:
            assert earlier[-1].until == 100
        if plan.ending:
            assert max(times, default=plan.sold_at) < plan.ends_at <= now


def test_what_happens_does_not_hang_on_the_hour():
    later = NOON + timedelta(hours=10)

    def told(now: datetime) -> list[tuple[object, ...]]:
        return [(days_ago(plan, now), plan.manager, plan.price, plan.ending) for plan in plans(200, 3, now, ALMATY)]

    assert told(NOON) == told(later)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sales_are_spread_over_more_than_a_month_and_over_all_managers(seed: int):
    everybody = plans(300, seed, NOON, ALMATY)
    days = Counter(days_ago(plan, NOON) for plan in everybody)

    assert max(days) > 30
    assert set(days) <= set(range(DAYS))
    assert len(days) > 30
    assert len(set(days.values())) > 3, "no two days alike would be dull, all days alike too"
    shares = Counter(plan.manager for plan in everybody)
    assert shares[0] > shares[1] > shares[2] > 20


def test_each_thread_has_a_time_of_its_own():
    import threading

    clock = SimulatedClock()
    clock.set(NOON)
    seen: list[datetime] = []
    other = threading.Thread(target=lambda: seen.append(clock()))
    other.start()
    other.join()
    clock.advance(90)

    assert clock() == NOON + timedelta(seconds=90)
    assert seen[0] != NOON
