"""rpc_get_manager_stats against a plain recomputation."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backend.sales import model, strategies
from tests.backend.sales.model import Sale, Seller
from tests.backend.sales.planting import plant, server_now

STATS = "SELECT * FROM public.rpc_get_manager_stats(%s, %s)"
BY_DATES = "SELECT * FROM public.rpc_get_manager_stats(%s, %s, %s, %s)"


@settings(max_examples=80, deadline=None)
@given(data=st.data(), sellers=strategies.sellers, zone=st.sampled_from(strategies.ZONES))
def test_they_equal_a_plain_recomputation(scratch, data, sellers, zone):
    with scratch() as connection:
        now = server_now(connection)
        sales = data.draw(strategies.sales(sellers, now))
        plant(connection, sellers, sales)
        days = data.draw(strategies.days(model.day_of(now, zone)), "days")
        for seller_id in [None, *(seller.id for seller in sellers)]:
            found = connection.execute(STATS, [seller_id, zone]).fetchall()
            assert found == [model.stats(sales, seller_id, now, zone)]
            found = connection.execute(BY_DATES, [seller_id, zone, *days]).fetchall()
            assert found == [model.stats(sales, seller_id, now, zone, days)]


@pytest.mark.parametrize("zone", strategies.ZONES)
def test_the_month_begins_at_the_midnight_of_the_zone(scratch, zone):
    seller = Seller(uuid4())
    with scratch() as connection:
        begins = (
            server_now(connection)
            .astimezone(ZoneInfo(zone))
            .replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
        )
        sales = [Sale(seller.id, begins - timedelta(microseconds=1)), Sale(seller.id, begins, price=Decimal(7))]
        plant(connection, [seller], sales)
        found = connection.execute(STATS, [seller.id, zone]).fetchone()
    assert found[0] == 2
    assert found[5:] == (1, Decimal(7))


def test_the_month_ends_with_today(scratch):
    seller = Seller(uuid4())
    with scratch() as connection:
        now = server_now(connection)
        tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        to_come = [tomorrow + timedelta(days=days) for days in (0, 1, 31)]
        plant(connection, [seller], [Sale(seller.id, now), *(Sale(seller.id, at) for at in to_come)])
        found = connection.execute(STATS, [seller.id, "UTC"]).fetchone()
    assert (found[0], found[5]) == (4, 1)


def test_an_unknown_manager_has_zeros(scratch):
    with scratch() as connection:
        found = connection.execute("SELECT * FROM public.rpc_get_manager_stats(%s)", [uuid4()]).fetchall()
    assert found == [(0, 0, 0, Decimal(0), Decimal(0), 0, Decimal(0))]


def test_they_count_as_the_leaderboard_counts(scratch):
    seller = Seller(uuid4())
    with scratch() as connection:
        now = server_now(connection)
        statuses = ["active", "blocked", "completed", "inactive"]
        plant(
            connection,
            [seller],
            [Sale(seller.id, now, status=status, modules_completed=n) for n, status in enumerate(statuses)],
        )
        leaderboard = connection.execute("SELECT * FROM public.rpc_get_sales_leaderboard()").fetchone()
        assert connection.execute(STATS, [seller.id, None]).fetchone() == leaderboard[3:]
