"""A backend that logs in as a mere member of service_role: the whole repository works for it, under row-level security."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.support.servers.postgres import Postgres
from tripwire_db import PostgresAuth, Segment, TripwireRepository

LESSONS = (67, 68, 69)


@pytest.fixture
def login_url(postgres: Postgres, database_url: str) -> Iterator[str]:
    """The URL of a login that inherits service_role, without BYPASSRLS, and may look into auth.users."""
    name = f"app_{uuid4().hex[:12]}"
    role = sql.Identifier(name)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE service_role").format(role))
        owner.execute(sql.SQL("GRANT SELECT ON auth.users TO {}").format(role))
        yield postgres.url(owner.info.dbname, user=name)
        owner.execute(sql.SQL("DROP OWNED BY {}").format(role))
        owner.execute(sql.SQL("DROP ROLE {}").format(role))


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_the_whole_story_goes_through(login_url: str, database_url: str) -> None:
    clock = Clock()
    with (
        PostgresAuth(database_url) as auth,
        TripwireRepository.connect(
            login_url, auth=auth, clock=clock, certificate_url="https://example.kz/certificates"
        ) as repository,
    ):
        manager = repository.create_manager(email="manager@example.kz", full_name="Manager")
        student = repository.create_tripwire_user(
            email="student@example.kz", full_name="Student", manager_id=manager.user_id
        )
        for lesson in LESSONS:
            for start in range(0, 1500, 60):
                clock.now += timedelta(seconds=60)
                watched = [Segment(start, start + 60)]
                repository.update_video_tracking(
                    user_id=student.user_id, lesson_id=lesson, segments=watched, position=start + 60
                )
            done = repository.complete_lesson(user_id=student.user_id, lesson_id=lesson)
        assert done.certificate is not None
        assert repository.verify_certificate(code=done.certificate.verification_code).valid
        repository.revoke_certificate(user_id=student.user_id, reason="a test")
        repository.issue_certificate(user_id=student.user_id)
        repository.set_student_status(user_id=student.user_id, status="blocked", manager_id=manager.user_id)
        repository.record_welcome_email(user_id=student.user_id, sent=True)
        (row,) = repository.get_sales_leaderboard()
        assert (row.manager_id, row.total_students) == (manager.user_id, 1)
        assert len(repository.get_sales_chart_data(manager_id=manager.user_id)) == 30
        assert repository.get_manager_stats(manager_id=manager.user_id).total_students == 1
        activity = repository.get_manager_activity(manager_id=manager.user_id)
        assert repository.search_activity(details={"email": "student@example.kz"})
        assert activity
        assert repository.get_student(user_id=student.user_id).certificate is not None
        assert len(repository.list_students(manager_id=manager.user_id)) == 1
        repository.delete_student(user_id=student.user_id, manager_id=manager.user_id)
