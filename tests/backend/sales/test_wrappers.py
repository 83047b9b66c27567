"""The typed wrappers: what they send, what they give back, and what they refuse."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.backend.sales.model import Sale, Seller
from tests.backend.sales.planting import Entry, plant, plant_log
from tripwire_db.engine.database import AsyncDatabase, Database
from tripwire_db.errors import InvalidInput
from tripwire_db.flows import sales
from tripwire_db.results import Activity, LeaderboardRow, ManagerStats, SalesDay

MANAGER = UUID(int=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

FLOWS = {
    "leaderboard": sales.get_sales_leaderboard(),
    "chart": sales.get_sales_chart_data(manager_id=MANAGER, days_back=2),
    "stats": sales.get_manager_stats(manager_id=MANAGER),
    "activity": sales.get_manager_activity(manager_id=MANAGER),
    "qualification": sales.check_video_qualification(user_id=MANAGER, lesson_id=67),
}


@pytest.fixture
def url(database_url):
    """A manager with one student, sold now, and one row of log."""
    with psycopg.connect(database_url) as connection:
        plant(connection, [Seller(MANAGER)], [Sale(MANAGER, datetime.now(UTC), modules_completed=1)])
        plant_log(connection, [Entry(MANAGER, NOON, {"email": "s@example.com", "full_name": "S"}, id=UUID(int=2))])
    return database_url


@pytest.fixture
def database(url):
    database = Database(url, pool_size=1)
    yield database
    database.close()


def test_each_gives_its_result_with_money_exact_and_times_aware(database):
    leaderboard, chart, stats, activity, qualification = (database.run(flow) for flow in FLOWS.values())
    assert leaderboard == [
        LeaderboardRow(
            manager_id=MANAGER,
            manager_name="Seller",
            email=f"{MANAGER}@sellers.test",
            total_students=1,
            active_students=1,
            completed_students=0,
            total_revenue=Decimal(5000),
            avg_completion_rate=Decimal("33.33"),
            students_this_month=1,
            revenue_this_month=Decimal(5000),
        )
    ]
    assert len(chart) == 2
    assert chart[0] == SalesDay(date=chart[1].date + timedelta(days=1), students_created=1, revenue=Decimal(5000))
    assert type(chart[0].date) is date
    assert stats == ManagerStats(
        total_students=1,
        active_students=1,
        completed_students=0,
        total_revenue=Decimal(5000),
        avg_completion_rate=Decimal("33.33"),
        students_this_month=1,
        revenue_this_month=Decimal(5000),
    )
    assert activity.rows == (
        Activity(
            id=UUID(int=2),
            action_type="user_created",
            target_user_id=None,
            target_user_email="s@example.com",
            target_user_name="S",
            details={"email": "s@example.com", "full_name": "S"},
            created_at=NOON,
            manager_id=MANAGER,
        ),
    )
    assert activity[0].created_at.tzinfo is not None
    assert isinstance(stats.total_revenue, Decimal)
    assert qualification is False


async def test_asyncio_gets_the_same(url, database):
    other = AsyncDatabase(url, pool_size=1)
    try:
        for flow in FLOWS.values():
            assert await other.run(flow) == database.run(flow)
    finally:
        await other.close()


def test_a_manager_is_named_by_a_string_as_well(database):
    by_string = sales.get_manager_stats(manager_id=str(MANAGER))
    assert database.run(by_string) == database.run(FLOWS["stats"])


def test_the_last_activity_of_a_page_begins_the_next_page(url, database):
    same_time = [Entry(MANAGER, NOON) for _ in range(4)]
    with psycopg.connect(url) as connection:
        plant_log(connection, same_time)
    found, page = [], database.run(sales.get_manager_activity(manager_id=MANAGER, limit=2))
    while page:
        found += page
        page = database.run(sales.get_manager_activity(manager_id=MANAGER, limit=2, before=page[-1]))
    assert [one.id for one in found] == sorted([*(one.id for one in same_time), UUID(int=2)], reverse=True)


def test_dates_and_no_manager_reach_the_functions(database):
    today = datetime.now(ZoneInfo("Asia/Almaty")).date()
    long_ago = {"since": date(2020, 1, 1), "until": date(2020, 1, 2)}
    assert database.run(sales.get_sales_leaderboard(**long_ago))[0].total_students == 0
    assert database.run(sales.get_sales_leaderboard(since=today - timedelta(days=1)))[0].total_students == 1
    assert database.run(sales.get_manager_stats(**long_ago)).total_students == 0
    assert database.run(sales.get_manager_stats()) == database.run(FLOWS["stats"])
    assert [day.date for day in database.run(sales.get_sales_chart_data(**long_ago))] == [
        date(2020, 1, 2),
        date(2020, 1, 1),
    ]
    assert database.run(sales.get_sales_chart_data(days_back=2)) == database.run(FLOWS["chart"])
    for there in ({}, {"action_types": ["user_created"]}, {"since": NOON.date(), "until": NOON.date()}):
        assert len(database.run(sales.get_manager_activity(manager_id=MANAGER, **there))) == 1
    for not_there in ({"action_types": ["email_sent"]}, {"since": NOON.date() + timedelta(days=1)}):
        assert not database.run(sales.get_manager_activity(manager_id=MANAGER, **not_there))


def test_what_only_the_server_can_judge_is_invalid_input_too(database):
    with pytest.raises(InvalidInput, match="a chart has at most 3660 days"):
        database.run(sales.get_sales_chart_data(since=date(2010, 1, 1)))


@pytest.mark.parametrize("name", FLOWS)
def test_each_is_one_statement_that_is_compiled_once(name):
    flow = FLOWS[name]
    assert flow.sql().count("SELECT") == 1
    assert not flow.definition.writes
    assert flow.statement._generate_cache_key() is not None


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: sales.get_sales_leaderboard(limit=0), "limit must be 1 to 1000"),
        (lambda: sales.get_sales_leaderboard(limit=1001), "limit must be 1 to 1000"),
        (lambda: sales.get_sales_leaderboard(limit=True), "limit must be a whole number"),
        (lambda: sales.get_sales_chart_data(manager_id="nobody"), "manager_id must be a UUID"),
        (lambda: sales.get_sales_chart_data(manager_id=MANAGER, days_back=3661), "days_back must be 1 to 3660"),
        (lambda: sales.get_sales_chart_data(manager_id=MANAGER, time_zone=None), "time_zone must be a string"),
        (lambda: sales.get_manager_stats(manager_id=MANAGER, time_zone=""), "time_zone must not be empty"),
        (lambda: sales.get_manager_stats(manager_id=MANAGER, time_zone="UTC\x00"), "NUL"),
        (lambda: sales.get_manager_stats(manager_id=MANAGER, time_zone="x" * 10_000_000), "time_zone is longer"),
        (lambda: sales.get_manager_activity(manager_id=None), "manager_id must be a UUID"),
        (
            lambda: sales.get_manager_activity(manager_id=MANAGER, before=NOON),
            "before must be `next` of the page before",
        ),
        (
            lambda: sales.get_manager_activity(manager_id=MANAGER, action_types=["coffee"]),
            "action_types must be one of",
        ),
        (
            lambda: sales.get_manager_activity(manager_id=MANAGER, action_types="email_sent"),
            "action_types must be a list",
        ),
        (lambda: sales.get_sales_leaderboard(since=NOON), "since must be a date without a time"),
        (lambda: sales.get_sales_leaderboard(since=date.max, until=date.min), "since must not be after until"),
        (lambda: sales.check_video_qualification(user_id=MANAGER, lesson_id=2**31), "lesson_id must be"),
        (lambda: sales.check_video_qualification(user_id=MANAGER, lesson_id="67"), "lesson_id must be a whole"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_sent(ask, message):
    with pytest.raises(InvalidInput, match=message):
        ask()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "UTC+6", "'; DROP TABLE users; --"])
def test_a_time_zone_that_only_the_server_can_judge_is_invalid_input_too(database, zone):
    with pytest.raises(InvalidInput, match="time_zone must be the name of an IANA time zone"):
        database.run(sales.get_sales_chart_data(manager_id=uuid4(), time_zone=zone))
