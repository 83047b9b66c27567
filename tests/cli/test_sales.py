"""Leaderboard, chart, totals and actions from the command line."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.cli.conftest import Run
from tripwire_db.cli.sales import chart
from tripwire_db.cli.sales.activity import details
from tripwire_db.repository import TripwireRepository
from tripwire_db.results import CreatedManager, CreatedStudent, SalesDay


def days(*students: int) -> list[SalesDay]:
    """Sales of the last days, newest first, from so many students a day, oldest first."""
    last = date(2026, 3, 31)
    return [
        SalesDay(last - timedelta(days=back), sold, Decimal(5000) * sold)
        for back, sold in enumerate(reversed(students))
    ]


def test_the_leaderboard_says_what_the_repository_says(run: Run, graduate: CreatedStudent):
    table, document = run("leaderboard"), run("leaderboard", "--json")

    assert table.code == document.code == 0
    assert "dana@example.com" in table.out
    assert "100.0 %" in table.out
    (row,) = document.json
    assert row == {
        "manager_id": str(graduate.manager_id),
        "manager_name": "Dana K.",
        "email": "dana@example.com",
        "total_students": 1,
        "active_students": 0,
        "completed_students": 1,
        "total_revenue": 5000,
        "avg_completion_rate": 100,
        "students_this_month": 1,
        "revenue_this_month": 5000,
    }


def test_a_leaderboard_of_nobody_says_how_to_begin(run: Run):
    assert run("leaderboard").out == "Nobody sells yet: tripwire-db manager create\n"
    assert run("leaderboard", "--json").json == []


def test_stats_and_chart_count_the_same_student(run: Run, student: CreatedStudent):
    stats = run("stats", "dana@example.com", "--json").json
    sales = run("chart", student.manager_id, "--days", 7, "--json").json

    assert (stats["total_students"], stats["students_this_month"]) == (1, 1)
    assert "5 000 KZT" in run("stats", "dana@example.com").out
    assert [day["students_created"] for day in sales] == [1, 0, 0, 0, 0, 0, 0]
    assert sales[0]["revenue"] == 5000
    picture = run("chart", "dana@example.com", "--days", 7).out
    assert "1 student, 5 000 KZT" in picture


def test_the_actions_of_a_manager_are_shown_newest_first(run: Run, graduate: CreatedStudent):
    actions = run("activity", "dana@example.com", "--json").json
    table = run("activity", graduate.manager_id).out

    assert actions[-1]["action_type"] == "user_created"
    assert actions[-1]["target_user_email"] == "aigerim@example.com"
    assert datetime.fromisoformat(actions[0]["created_at"]).tzinfo == UTC
    assert table.index("certificate_issued") < table.index("user_created")
    assert len(run("activity", "dana@example.com", "--limit", 2, "--json").json) == 2


def test_a_manager_who_did_nothing_has_an_empty_chart_and_no_actions(run: Run, manager: CreatedManager):
    assert run("activity", "dana@example.com").out == "dana@example.com has done nothing yet.\n"
    assert "0 students, 0 KZT" in run("chart", "dana@example.com").out


def test_details_leave_out_who_is_named_beside_them():
    assert (
        details({"email": "a@b.kz", "full_name": "A", "lesson_id": 67, "number": "TW-1"}) == "lesson_id 67, number TW-1"
    )


def bars(picture: str) -> list[str]:
    """The lines of a picture between its title and its axis, without the scale."""
    return [line[6:] for line in picture.splitlines()[2 : 2 + chart.HEIGHT]]


def test_the_highest_day_reaches_the_top_and_the_others_stand_in_proportion(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("tripwire_db.cli.output.can_draw", lambda: True)

    picture = chart.picture(days(0, 4, 8, 2), "Sales").plain

    columns = list(zip(*bars(picture), strict=True))
    heights = ["".join(column).count("█") for column in columns[:: len(columns) // 4]]
    assert heights[:4] == [0, 4, 8, 2]
    assert "   8 ┤" in picture
    assert "   4 ┤" in picture
    assert "14 students, 70 000 KZT; best day 30 Mar 2026: 8" in picture
    assert "28 Mar" in picture


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("count", [1, 7, 30, 31, 90, 365, 3660])
def test_a_chart_fits_its_terminal_and_loses_nobody(columns: int, count: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", str(columns))

    picture = chart.picture(days(*(day % 3 for day in range(count))), "Sales").plain

    assert max(map(len, picture.splitlines()[2:-2])) <= columns
    assert f"{sum(day % 3 for day in range(count))} students" in picture


def test_one_student_among_hundreds_is_still_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tripwire_db.cli.output.can_draw", lambda: True)

    picture = chart.picture(days(1, 500), "Sales").plain

    assert bars(picture)[-1].startswith("▁")


def test_a_chart_without_block_characters_is_drawn_in_ascii(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tripwire_db.cli.output.can_draw", lambda: False)

    assert chart.picture(days(1, 3, 0, 8), "Sales").plain.isascii()


@pytest.fixture
def sold(database_url: str, student: CreatedStudent, repository: TripwireRepository) -> dict[str, list[int]]:
    """Students sold in the last ten weeks, and how many days ago each was by the period that holds them."""
    zone = ZoneInfo("Asia/Almaty")
    with psycopg.connect(database_url) as connection:
        today = connection.execute("SELECT (now() AT TIME ZONE 'Asia/Almaty')::date").fetchone()[0]
        for ago in range(1, 70):
            made = repository.create_tripwire_user(
                email=f"s{ago}@example.com", full_name="Student", manager_id=student.manager_id
            )
            noon = datetime.combine(today - timedelta(days=ago), time(12), zone)
            connection.execute("UPDATE tripwire_users SET created_at = %s WHERE user_id = %s", [noon, made.user_id])
    ago = {day: today - timedelta(days=day) for day in range(70)}
    return {
        "today": [0],
        "yesterday": [1],
        "week": [day for day in ago if ago[day].isocalendar()[:2] == today.isocalendar()[:2]],
        "month": [day for day in ago if (ago[day].year, ago[day].month) == (today.year, today.month)],
        "all": [*ago],
    }


def test_a_period_is_the_same_days_in_every_command(run: Run, sold: dict[str, list[int]]):
    for period, days_ago in sold.items():
        asked, count = ("--period", period), len(days_ago)
        assert run("leaderboard", *asked, "--json").json[0]["total_students"] == count
        assert run("stats", *asked, "--json").json["total_students"] == count
        assert run("stats", "dana@example.com", *asked, "--json").json["total_students"] == count
        chart = run("chart", *asked, "--json").json
        assert [day["students_created"] for day in chart] == [1] * count
        dates = ("--since", chart[-1]["date"], "--until", chart[0]["date"])
        assert run("chart", "dana@example.com", *dates, "--json").json == chart
        assert run("student", "list", *asked, "--limit", 1, "--page-json").json["total"] == count


def test_actions_are_those_of_some_kinds_and_days_page_by_page(run: Run, graduate: CreatedStudent):
    actions = ("activity", "dana@example.com", "--action", "lesson_completed", "--action", "module_unlocked")
    page = run(*actions, "--limit", 2, "--page-json").json
    following = run(*actions, "--before", page["next"], "--json").json

    assert page["total"] is None
    assert {row["action_type"] for row in page["rows"] + following} == {"lesson_completed", "module_unlocked"}
    assert len(page["rows"]) + len(following) == 5
    assert page["next"] in run(*actions, "--limit", 2).out
    assert run(*actions, "--period", "yesterday").out == "No such actions.\n"
    assert run(*actions, "--period", "today", "--csv").out.count("\n") == 6


def test_lists_are_csv_with_a_head_line_even_where_they_are_empty(run: Run):
    for command in (
        ("leaderboard",),
        ("chart", "--period", "all"),
        ("activity", "00000000-0000-4000-8000-000000000000"),
    ):
        (head,) = run(*command, "--csv").out.splitlines()
        assert len(head.split(",")) >= 3
    assert run("chart", "--period", "all").out == "Nothing has been sold yet.\n"
