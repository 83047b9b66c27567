"""rpc_get_sales_leaderboard against a plain recomputation."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backend.sales import model, strategies
from tests.backend.sales.model import Sale, Seller
from tests.backend.sales.planting import plant, server_now

LEADERBOARD = "SELECT * FROM public.rpc_get_sales_leaderboard(%s)"
BY_DATES = "SELECT * FROM public.rpc_get_sales_leaderboard(%s, %s, %s, %s)"


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    sellers=strategies.sellers,
    limit=st.sampled_from([1, 2, 3, 10, 1000]),
    zone=st.sampled_from(strategies.ZONES),
)
def test_it_equals_a_plain_recomputation(scratch, data, sellers, limit, zone):
    with scratch() as connection:
        now = server_now(connection)
        sales = data.draw(strategies.sales(sellers, now))
        plant(connection, sellers, sales)
        for days in (model.EVER, data.draw(strategies.days(model.day_of(now, zone)), "days")):
            found = connection.execute(BY_DATES, [limit, *days, zone]).fetchall()
            assert found == model.leaderboard(sellers, sales, limit, now=now, days=days, zone=zone)


def test_students_come_before_revenue_and_revenue_before_the_id(scratch):
    last, rich, poor, small = (Seller(UUID(int=n)) for n in (4, 3, 2, 1))
    with scratch() as connection:
        now = server_now(connection)
        sales = [Sale(seller.id, now) for seller in (last, rich, poor) for _ in range(2)]
        sales += [Sale(small.id, now, price=Decimal(10**9))]
        sales += [
            Sale(rich.id, now, price=Decimal(1)),
            Sale(poor.id, now, price=Decimal(0)),
            Sale(last.id, now, price=Decimal(0)),
        ]
        plant(connection, [last, rich, poor, small], sales)
        found = [row[0] for row in connection.execute(LEADERBOARD, [10])]
    assert found == [rich.id, poor.id, last.id, small.id]


def test_a_manager_without_students_has_zeros(scratch):
    seller = Seller(uuid4())
    with scratch() as connection:
        plant(connection, [seller], [])
        assert connection.execute(LEADERBOARD, [10]).fetchall() == [
            (seller.id, "Seller", seller.email, 0, 0, 0, Decimal(0), Decimal(0), 0, Decimal(0))
        ]


def test_whoever_sold_a_student_is_listed_and_an_admin_who_sold_none_is_not(scratch):
    selling, idle = Seller(uuid4(), role="admin"), Seller(uuid4(), role="admin")
    with scratch() as connection:
        plant(connection, [selling, idle], [Sale(selling.id, server_now(connection))])
        assert [row[0] for row in connection.execute(LEADERBOARD, [10])] == [selling.id]


def test_a_seller_without_a_users_row_is_called_as_the_newest_student_calls_them(scratch):
    gone = Seller(uuid4(), role=None)
    with scratch() as connection:
        now = server_now(connection)
        older = Sale(gone.id, now - timedelta(days=2), manager_name="Old name")
        newer = Sale(gone.id, now - timedelta(days=1), manager_name="New name")
        nameless = Sale(gone.id, now, manager_name=None)
        plant(connection, [gone], [newer, older, nameless])
        assert connection.execute(LEADERBOARD, [10]).fetchone()[:4] == (gone.id, "New name", None, 3)


def test_sales_whose_seller_is_gone_are_a_row_for_each_name_last_among_equals(scratch):
    seller = Seller(uuid4())
    with scratch() as connection:
        now = server_now(connection)
        names = ["Zarina", "Aigerim", "Aigerim", None]
        plant(connection, [seller], [Sale(None, now, manager_name=name) for name in names] + [Sale(seller.id, now)])
        found = connection.execute(LEADERBOARD, [10]).fetchall()
    assert [row[:4] for row in found] == [
        (None, "Aigerim", None, 2),
        (seller.id, "Seller", seller.email, 1),
        (None, "Zarina", None, 1),
        (None, None, None, 1),
    ]


def test_dates_say_which_students_count_and_not_who_is_listed(scratch):
    selling, admin = Seller(uuid4()), Seller(uuid4(), role="admin")
    with scratch() as connection:
        now = server_now(connection)
        today = model.day_of(now, "Asia/Almaty")
        plant(connection, [selling, admin], [Sale(selling.id, now), Sale(admin.id, now - timedelta(days=400))])
        found = connection.execute(BY_DATES, [10, today, today, None]).fetchall()
    assert [(row[0], row[3], row[8]) for row in found] == [(selling.id, 1, 1), (admin.id, 0, 0)]


def test_revenue_counts_every_student_and_the_statuses_only_their_own(scratch):
    seller = Seller(uuid4())
    with scratch() as connection:
        now = server_now(connection)
        statuses = ["active", "active", "completed", "inactive", "blocked"]
        plant(connection, [seller], [Sale(seller.id, now, status=status, price=Decimal(100)) for status in statuses])
        assert connection.execute(LEADERBOARD, [10]).fetchone()[3:7] == (5, 2, 1, Decimal(500))


@pytest.mark.parametrize(
    ("students", "rate"),
    [
        ([(1, 3), (1, 3), (1, 3)], "33.33"),
        ([(2, 3)], "66.67"),
        ([(1, 3), (2, 3)], "50.00"),
        # 3.125 exactly: three thirds are one, not 0.999…, so the half is rounded up.
        ([(1, 3)] * 3 + [(0, 3)] * 29, "3.13"),
        # A student without a profile, or whose profile counts no modules, is one of three modules.
        ([(3, None), (1, 0)], "66.67"),
        ([(1, 4), (3, 3)], "62.50"),
        ([(0, 3)], "0.00"),
    ],
)
def test_the_completion_rate_is_the_exact_mean_in_percent_rounded_once_to_two_decimals(scratch, students, rate):
    seller = Seller(uuid4())
    with scratch() as connection:
        now = server_now(connection)
        sales = [Sale(seller.id, now, modules_completed=done, total_modules=total) for done, total in students]
        plant(connection, [seller], sales)
        found = connection.execute(LEADERBOARD, [10]).fetchone()[7]
    assert found == Decimal(rate) == model.completion_rate(sales)


def test_the_limit_is_ten_unless_told(scratch):
    with scratch() as connection:
        plant(connection, [Seller(uuid4()) for _ in range(12)], [])
        assert len(connection.execute("SELECT * FROM public.rpc_get_sales_leaderboard()").fetchall()) == 10
