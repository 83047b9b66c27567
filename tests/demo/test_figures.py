"""The figures of a demo, counted again from the raw rows in plain Python."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.demo.conftest import STUDENTS, Played

ALMATY = ZoneInfo("Asia/Almaty")


def is_of_this_month(student: Any) -> bool:
    today, sold = datetime.now(ALMATY).date(), student.created_at.astimezone(ALMATY).date()
    return (sold.year, sold.month) == (today.year, today.month) and sold <= today


def test_the_leaderboard_is_that_of_the_rows(played: Played):
    users = {user.id: user for user in played.rows("users")}
    sold: dict[object, list] = {user.id: [] for user in users.values() if user.role == "sales_manager"}
    for student in played.rows("tripwire_users"):
        sold[student.granted_by].append(student)
    expected = [
        {
            "manager_id": str(manager_id),
            "manager_name": users[manager_id].full_name,
            "email": users[manager_id].email,
            "total_students": len(students),
            "active_students": sum(student.status == "active" for student in students),
            "completed_students": sum(student.status == "completed" for student in students),
            "total_revenue": sum(student.price for student in students),
            "students_this_month": sum(is_of_this_month(student) for student in students),
            "revenue_this_month": sum(student.price for student in students if is_of_this_month(student)),
        }
        for manager_id, students in sold.items()
    ]
    expected.sort(key=lambda row: (-row["total_students"], -row["total_revenue"], row["manager_id"]))
    rates = {
        str(manager_id): sum(student.modules_completed for student in students) / (3 * len(students)) * 100
        for manager_id, students in sold.items()
    }

    shown = played.said["leaderboard"]
    assert {row["manager_id"]: row.pop("avg_completion_rate") for row in map(dict, shown)} == pytest.approx(
        rates, abs=0.005
    )
    assert [{key: value for key, value in row.items() if key != "avg_completion_rate"} for row in shown] == expected
    assert sum(row["total_students"] for row in shown) == STUDENTS


def test_the_chart_is_that_of_the_rows_in_the_days_of_its_zone(played: Played):
    chart = played.said["chart"]
    assert chart["manager_id"] == played.said["leaderboard"][0]["manager_id"]
    count: Counter[str] = Counter()
    revenue: Counter[str] = Counter()
    for student in played.rows("tripwire_users"):
        if str(student.granted_by) == chart["manager_id"]:
            day = student.created_at.astimezone(ALMATY).date().isoformat()
            count[day] += 1
            revenue[day] += int(student.price)
    last = datetime.now(ALMATY).date()

    days = [(last - timedelta(days=back)).isoformat() for back in range(30)]
    assert chart["days"] == [{"date": d, "students_created": count[d], "revenue": revenue[d]} for d in days]
    assert sum(day["students_created"] > 0 for day in chart["days"]) >= 10, "an interesting chart"
    assert set(count) - set(days), "sales older than the chart"


def test_the_totals_are_those_of_the_rows(played: Played):
    figures = played.said["figures"]
    students = played.rows("tripwire_users")
    progress = played.rows("student_progress")
    certificates = played.rows("certificates")

    assert figures["students"] == len(students) == STUDENTS
    assert figures["revenue"] == sum(student.price for student in students)
    assert figures["lessons_completed"] == sum(lesson.status == "completed" for lesson in progress)
    assert figures["lessons_completed"] == sum(student.modules_completed for student in students)
    assert figures["certificates"] == len(certificates)
    assert figures["revoked"] == sum(certificate.revoked_at is not None for certificate in certificates)
    counted = sum(video.counted_ms for video in played.rows("video_tracking"))
    assert figures["counted_seconds"] == counted / 1000
    assert figures["refused_completions"] > 0


def test_every_student_is_complete_and_nothing_lies_in_the_future(played: Played):
    ids = {student.user_id for student in played.rows("tripwire_users")}

    for table in ("tripwire_user_profile", "user_statistics", "module_unlocks", "student_progress", "video_tracking"):
        assert {row.user_id for row in played.rows(table)} == ids, table
    assert Counter(row.user_id for row in played.rows("user_achievements")) == dict.fromkeys(ids, 4)
    now = datetime.now(UTC)
    for table in (
        "users",
        "tripwire_users",
        "module_unlocks",
        "student_progress",
        "certificates",
        "sales_activity_log",
    ):
        for row in played.rows(table):
            for name, value in row._asdict().items():
                if isinstance(value, datetime):
                    assert value <= now, (table, name)


def test_what_counts_was_watched_and_what_is_completed_qualified(played: Played):
    completed = {(row.user_id, row.lesson_id) for row in played.rows("student_progress") if row.status == "completed"}
    for video in played.rows("video_tracking"):
        unique = sum(Decimal(str(part["end"])) - Decimal(str(part["start"])) for part in video.watched_segments)
        assert 0 <= video.counted_ms <= unique * 1000 <= video.video_duration_seconds * 1000
        assert video.is_qualified_for_completion == (video.counted_ms * 100 >= video.video_duration_seconds * 80_000)
        assert ((video.user_id, video.lesson_id) in completed) <= video.is_qualified_for_completion


def test_the_log_tells_of_every_sale_and_every_certificate(played: Played):
    actions = Counter(row.action_type for row in played.rows("sales_activity_log") if row.manager_id is not None)
    figures = played.said["figures"]

    assert actions["user_created"] == STUDENTS
    assert actions["email_sent"] == STUDENTS
    assert actions["lesson_completed"] == figures["lessons_completed"]
    assert actions["certificate_issued"] == figures["certificates"]
    assert actions["certificate_revoked"] == figures["revoked"]


def test_the_journey_leads_to_a_certificate(played: Played):
    journey = played.said["journey"]

    assert journey["student"]["status"] == "completed"
    assert [lesson["status"] for lesson in journey["progress"]] == ["completed"] * 3
    assert journey["certificate"]["revoked_at"] is None
    (row,) = [row for row in played.rows("certificates") if str(row.user_id) == journey["student"]["user_id"]]
    assert row.number == journey["certificate"]["number"]
    assert row.verification_code == journey["certificate"]["verification_code"]


def test_students_come_in_every_state(played: Played):
    states = Counter(student.status for student in played.rows("tripwire_users"))
    modules = Counter(student.modules_completed for student in played.rows("tripwire_users"))

    assert set(states) == {"active", "inactive", "completed", "blocked"}
    assert set(modules) == {0, 1, 2, 3}
