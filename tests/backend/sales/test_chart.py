"""rpc_get_sales_chart_data against a plain recomputation, in zones whose clocks change."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backend.sales import model, strategies
from tests.backend.sales.model import Sale, Seller
from tests.backend.sales.planting import plant, server_now

CHART = "SELECT * FROM public.rpc_get_sales_chart_data(%s, %s, %s)"
BY_DATES = "SELECT * FROM public.rpc_get_sales_chart_data(%s, %s, %s, %s, %s)"


def days_back_to(first_day: date, connection, zone: str) -> int:
    """The `days_back` whose first day is this one."""
    return (model.day_of(server_now(connection), zone) - first_day).days + 1


@settings(max_examples=120, deadline=None)
@given(data=st.data(), sellers=strategies.sellers, zone=st.sampled_from(strategies.ZONES))
def test_it_equals_a_plain_recomputation(scratch, data, sellers, zone):
    with scratch() as connection:
        now = server_now(connection)
        # The first day is often one on which clocks change: what is cut there must be cut exactly.
        changes = [(model.day_of(now, zone) - model.day_of(at, zone)).days + 1 for at in strategies.CLOCK_CHANGES]
        days_back = data.draw(st.one_of(st.integers(1, 75), st.sampled_from(changes)), "days_back")
        sales = data.draw(strategies.sales(sellers, now))
        plant(connection, sellers, sales)
        days = data.draw(strategies.days(model.day_of(now, zone)), "days")
        for seller_id in [None, *(seller.id for seller in sellers)]:
            found = connection.execute(CHART, [seller_id, days_back, zone]).fetchall()
            assert found == model.chart(sales, seller_id, now, zone, days_back=days_back)
            found = connection.execute(BY_DATES, [seller_id, days_back, zone, *days]).fetchall()
            assert found == model.chart(sales, seller_id, now, zone, days_back=days_back, days=days)


def test_almaty_moved_from_six_to_five_hours_on_the_first_of_march_2024(scratch):
    seller = Seller(uuid4())
    moments = {
        datetime(2024, 2, 28, 18, 0, tzinfo=UTC): date(2024, 2, 29),  # 00:00 at +6
        datetime(2024, 2, 29, 17, 59, 59, tzinfo=UTC): date(2024, 2, 29),  # 23:59:59 at +6
        datetime(2024, 2, 29, 18, 0, tzinfo=UTC): date(2024, 2, 29),  # 24:00 at +6 became 23:00 at +5
        datetime(2024, 2, 29, 18, 59, 59, tzinfo=UTC): date(2024, 2, 29),  # 23:59:59 at +5
        datetime(2024, 2, 29, 19, 0, tzinfo=UTC): date(2024, 3, 1),  # 00:00 at +5; a fixed +6 says so an hour early
        datetime(2024, 3, 1, 18, 59, 59, tzinfo=UTC): date(2024, 3, 1),
        datetime(2024, 3, 1, 19, 0, tzinfo=UTC): date(2024, 3, 2),
    }
    with scratch() as connection:
        plant(connection, [seller], [Sale(seller.id, at) for at in moments])
        days_back = days_back_to(date(2024, 2, 29), connection, "Asia/Almaty")
        rows = connection.execute(CHART, [seller.id, days_back, "Asia/Almaty"]).fetchall()
    assert [(day, students) for day, students, _ in reversed(rows[-3:])] == [
        (date(2024, 2, 29), 4),
        (date(2024, 3, 1), 2),
        (date(2024, 3, 2), 1),
    ]


@pytest.mark.parametrize(
    ("zone", "changed"),
    [
        ("Europe/Berlin", datetime(2024, 3, 31, 1, tzinfo=UTC)),  # a day of 23 hours
        ("Europe/Berlin", datetime(2024, 10, 27, 1, tzinfo=UTC)),  # one of 25
        ("CET", datetime(2024, 3, 31, 1, tzinfo=UTC)),  # the zone, not the abbreviation, which has no summer
        ("Africa/Cairo", datetime(2024, 4, 25, 22, tzinfo=UTC)),  # a day without a midnight
        ("America/Havana", datetime(2024, 11, 3, 5, tzinfo=UTC)),  # one with two
        ("Atlantic/Azores", datetime(2024, 10, 27, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_day_on_which_clocks_change_has_all_its_hours_and_no_other(scratch, zone, changed, shift):
    seller = Seller(uuid4())
    sales = [Sale(seller.id, changed + timedelta(minutes=30 * half)) for half in range(-60, 61)]
    with scratch() as connection:
        plant(connection, [seller], sales)
        now = server_now(connection)
        days_back = days_back_to(model.day_of(changed, zone) + timedelta(days=shift), connection, zone)
        found = connection.execute(CHART, [seller.id, days_back, zone]).fetchall()
    assert found == model.chart(sales, seller.id, now, zone, days_back=days_back)


def test_there_is_a_row_for_each_day_newest_first_zeros_included(scratch):
    with scratch() as connection:
        today = model.day_of(server_now(connection), "Asia/Almaty")
        rows = connection.execute(CHART, [uuid4(), 3660, "Asia/Almaty"]).fetchall()
    assert rows == [(today - timedelta(days=ago), 0, Decimal(0)) for ago in range(3660)]


def test_one_date_alone_is_open_to_today_or_from_the_first_sale(scratch):
    seller = Seller(uuid4())
    with scratch() as connection:
        now = server_now(connection)
        plant(connection, [seller], [Sale(seller.id, now - timedelta(days=ago)) for ago in (3, 9)])
        today = model.day_of(now, "Asia/Almaty")
        last_week = today - timedelta(days=7)

        def days(first, last):
            rows = connection.execute(BY_DATES, [seller.id, 1, "Asia/Almaty", first, last]).fetchall()
            return [(today - row[0]).days for row in rows]

        assert days(last_week, None) == list(range(8))
        assert days(None, last_week) == [7, 8, 9]
        assert days(None, today + timedelta(days=2)) == list(range(-2, 10))
        assert days(last_week, last_week) == [7]
        assert days(None, today - timedelta(days=10)) == days(today + timedelta(days=1), None) == []


def test_a_chart_of_more_than_3660_days_is_refused_however_it_comes_about(scratch):
    seller, older = Seller(uuid4()), Seller(uuid4())
    with scratch() as connection:
        now = server_now(connection)
        today = model.day_of(now, "UTC")
        ago = {days: today - timedelta(days=days) for days in (3659, 3660)}
        plant(
            connection,
            [seller, older],
            [Sale(one.id, now - timedelta(days=3659 + n)) for n, one in enumerate([seller, older])],
        )
        for first, last in [(ago[3659], today), (ago[3659], None)]:
            assert len(connection.execute(BY_DATES, [None, 1, "UTC", first, last]).fetchall()) == 3660
        assert len(connection.execute(BY_DATES, [seller.id, 1, "UTC", None, today]).fetchall()) == 3660
        for who, first, last in [
            (None, ago[3660], today),
            (None, ago[3660], None),
            (older.id, None, today),
            (None, None, today),
        ]:
            with (
                pytest.raises(psycopg.errors.InvalidParameterValue, match="at most 3660 days"),
                connection.transaction(),
            ):
                connection.execute(BY_DATES, [who, 1, "UTC", first, last])


def test_thirty_days_of_almaty_unless_told(scratch):
    seller = Seller(uuid4())
    with scratch() as connection:
        plant(connection, [seller], [Sale(seller.id, server_now(connection))])
        short = connection.execute("SELECT * FROM public.rpc_get_sales_chart_data(%s)", [seller.id]).fetchall()
        assert short == connection.execute(CHART, [seller.id, 30, "Asia/Almaty"]).fetchall()
    assert len(short) == 30
    assert short[0][1:] == (1, Decimal(5000))


def test_the_session_keeps_its_own_time_zone(scratch):
    with scratch() as connection:
        connection.execute("SET LOCAL timezone = 'Asia/Tokyo'")
        answered = connection.execute(
            "SELECT *, current_setting('TimeZone') FROM public.rpc_get_sales_chart_data(%s, 1, 'Europe/Berlin')",
            [uuid4()],
        ).fetchone()
        assert answered[-1] == "Asia/Tokyo"
        assert connection.execute("SHOW timezone").fetchone() == ("Asia/Tokyo",)
