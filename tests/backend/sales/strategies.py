"""Random sellers and sales, with ties, missing rows, and times that crowd around the borders of days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from tests.backend.sales.model import EVER, Days, Sale, Seller

ZONES = (
    "Asia/Almaty",  # +6 until 2024-03-01, +5 since
    "Europe/Berlin",
    "America/St_Johns",  # half an hour off
    "Asia/Kathmandu",  # three quarters of an hour off
    "Pacific/Kiritimati",  # +14
    "Etc/GMT+12",  # -12
    "Africa/Cairo",  # clocks change at midnight
    "America/Havana",  # at midnight, back to 00:00: midnight comes twice
    "Atlantic/Azores",  # back from 01:00 to 00:00
    "CET",  # a zone with summers that shares its name with an abbreviation without
    "UTC",
)

CLOCK_CHANGES = (
    datetime(2024, 2, 29, 18, tzinfo=UTC),  # Almaty goes from +6 to +5 at this midnight, which comes twice
    datetime(2024, 3, 31, 1, tzinfo=UTC),  # Europe, the Azores and CET go forward
    datetime(2024, 10, 27, 1, tzinfo=UTC),  # and back
    datetime(2024, 4, 25, 22, tzinfo=UTC),  # Cairo: 00:00 becomes 01:00
    datetime(2024, 10, 31, 21, tzinfo=UTC),  # Cairo: 24:00 becomes 23:00
    datetime(2024, 11, 3, 5, tzinfo=UTC),  # Havana: 01:00 becomes 00:00
)

seconds = st.integers(-3, 3).flatmap(
    lambda hours: st.sampled_from([-1, 0, 1]).map(lambda second: hours * 3600 + second)
)
"""Just before, at and just after whole hours, since that is where days of some zone begin."""

sellers = st.lists(
    st.builds(
        Seller,
        id=st.uuids(),
        role=st.sampled_from(["sales_manager", "sales_manager", "admin", "curator", None]),
        full_name=st.sampled_from(["Aigerim", "Daniyar", None]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda seller: seller.id,
)


def moments(now: datetime) -> st.SearchStrategy[datetime]:
    """Near days' borders lately, in the next days and months, and around changes of clocks."""
    midnight = now.replace(minute=0, second=0, microsecond=0)
    lately = st.integers(-24 * 3, 24 * 70).map(lambda hours: midnight - timedelta(hours=hours))
    to_come = st.integers(1, 70).map(lambda days: midnight + timedelta(days=days))
    base = st.one_of(lately, lately, st.sampled_from(CLOCK_CHANGES), to_come)
    return st.builds(lambda at, off: at + timedelta(seconds=off), base, seconds)


def days(today: date) -> st.SearchStrategy[Days]:
    """Ranges of days lately and around changes of clocks, often open at one end or at both."""
    near = st.integers(-5, 75).map(lambda ago: today - timedelta(days=ago))
    changes = st.sampled_from(CLOCK_CHANGES).flatmap(
        lambda at: st.integers(-1, 1).map(lambda days: at.date() + timedelta(days=days))
    )
    day = st.none() | near | changes

    def in_order(first: date | None, last: date | None) -> Days:
        return (last, first) if first and last and first > last else (first, last)

    return st.just(EVER) | st.builds(in_order, day, day)


def sales(sellers: list[Seller], now: datetime, *, most: int = 25) -> st.SearchStrategy[list[Sale]]:
    """Students of these sellers, of sellers who are gone, with profiles or without."""
    one = st.builds(
        Sale,
        seller_id=st.sampled_from([*(seller.id for seller in sellers), None]),
        created_at=moments(now),
        price=st.sampled_from([Decimal(0), Decimal("0.10"), Decimal(5000), Decimal("4999.99"), Decimal(10**12)]),
        status=st.sampled_from(["active", "inactive", "completed", "blocked"]),
        modules_completed=st.integers(0, 3),
        total_modules=st.sampled_from([3, 3, 3, None, 0, 4, 5]),
        manager_name=st.sampled_from(["Aigerim", "Timur", None]),
        id=st.uuids(),
    )
    return st.lists(one, max_size=most, unique_by=lambda sale: sale.id)
