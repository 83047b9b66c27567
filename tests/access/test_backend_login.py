"""A hosted project: the whole repository works for `postgres` and for a mere member of service_role, under row-level security."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.support.servers.admin_api import AdminApi
from tests.support.servers.finding import postgres_bin
from tripwire_db import EmailTaken, Segment, SupabaseAuth, TripwireRepository, migrations
from tripwire_db.auth import Mark
from tripwire_db.embedded.hosted import HOSTED_SUPERUSER, hosted_server

SSO = uuid4()
LESSONS = (67, 68, 69)
LOGINS = ("postgres", "plain", "sighted")


@dataclass(frozen=True)
class Project:
    """A hosted project at head.

    Attributes:
        urls: of `postgres`, of a login that inherits service_role, `plain`, and of one that has BYPASSRLS too, `sighted`.
        superuser_url: for the auth service.
    """

    urls: dict[str, str]
    superuser_url: str


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((15, "old"), marks=pytest.mark.heavy),
        pytest.param((17, "2026"), marks=pytest.mark.heavy),
        (18, "2026"),
    ],
    ids=lambda kind: f"pg{kind[0]}-{kind[1]}",
)
def project(request: pytest.FixtureRequest) -> Iterator[Project]:
    major, privileges = request.param
    with hosted_server(postgres_bin(major)) as server:
        migrations.upgrade(server.create_project("project", privileges=privileges), quiet=True)
        superuser_url = server.url("project", user=HOSTED_SUPERUSER)
        with psycopg.connect(superuser_url) as superuser:
            superuser.execute(
                "CREATE ROLE plain LOGIN IN ROLE service_role; CREATE ROLE sighted LOGIN BYPASSRLS IN ROLE service_role"
            )
        yield Project({name: server.url("project", user=name) for name in LOGINS}, superuser_url)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize("login", LOGINS)
def test_the_whole_story_goes_through(project: Project, login: str) -> None:
    clock = Clock()
    with (
        AdminApi(project.superuser_url) as api,
        SupabaseAuth(api.url, api.service_role_key) as auth,
        TripwireRepository.connect(
            project.urls[login], auth=auth, clock=clock, certificate_url="https://example.kz/certificates"
        ) as repository,
    ):
        manager = repository.create_manager(email="manager@example.kz", full_name="Manager")
        half_made(api, "student@example.kz", "forgotten password")
        student = repository.create_tripwire_user(
            email="student@example.kz", full_name="Student", manager_id=manager.user_id, password="the password"
        )
        assert student.created
        assert api.users.logs_in("student@example.kz", "the password")
        assert not repository.create_tripwire_user(
            email="student@example.kz", full_name="Student", manager_id=manager.user_id, password="another password"
        ).created
        assert api.users.logs_in("student@example.kz", "the password")
        refuses_strangers(repository, api, manager.user_id)
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
        changes_accounts(repository, api, student.user_id, manager.user_id)
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
        again = repository.create_tripwire_user(
            email="student@example.kz", full_name="Student", manager_id=manager.user_id
        )
        assert again.created
        assert again.user_id != student.user_id
        everybody = auth_user_ids(project)
        assert {manager.user_id, again.user_id} < everybody
        assert len(everybody) == 3, "and the admin"
    forget_everybody(project)


def changes_accounts(repository: TripwireRepository, api: AdminApi, student_id: UUID, manager_id: UUID) -> None:
    """Name, e-mail, price and password, by seller and admin; to the admin and back."""
    admin_id = repository.create_manager(email="admin@example.kz", full_name="Admin", role="admin").user_id
    them = {"user_id": student_id, "manager_id": manager_id}
    right = repository.correct_student(**them, email="right@example.kz", full_name="Right", price=4000)
    assert (right.email, right.full_name, right.price) == ("right@example.kz", "Right", 4000)
    with pytest.raises(EmailTaken):
        repository.correct_student(**them, email="manager@example.kz")
    repository.reset_password(**them, password="new password")
    assert api.users.logs_in("right@example.kz", "new password")
    repository.correct_student(user_id=student_id, manager_id=admin_id, email="student@example.kz")
    for seller, successor in ((manager_id, admin_id), (admin_id, manager_id)):
        passed = repository.reassign_students(
            from_manager_id=seller, to_manager_id=successor, manager_id=admin_id, user_ids=[student_id]
        )
        assert passed.user_ids == (student_id,)


def half_made(api: AdminApi, email: str, password: str) -> None:
    """Leave an auth user of ours without rows, as a crash does."""
    api.users.create({"email": email, "password": password, "app_metadata": Mark.STUDENT.app_metadata})


def refuses_strangers(repository: TripwireRepository, api: AdminApi, manager_id: UUID) -> None:
    """An auth user that is not ours, and an address that only an identity holds, are taken; one of SSO is not."""
    stranger = api.users.create({"email": "stranger@example.kz"})
    api.users.update(UUID(stranger["id"]), {"email": "elsewhere@example.kz"})
    with psycopg.connect(api.database_url) as connection:
        connection.execute(
            "INSERT INTO auth.identities (user_id, provider, provider_id, identity_data)"
            """ VALUES (%s, 'google', 'g1', '{"email": "linked@example.kz"}')""",
            (stranger["id"],),
        )
    for email in ("elsewhere@example.kz", "linked@example.kz"):
        with pytest.raises(EmailTaken):
            repository.create_tripwire_user(email=email, full_name="Student", manager_id=manager_id)
    api.users.delete(UUID(stranger["id"]), soft=False)
    with psycopg.connect(api.database_url) as connection:
        connection.execute(
            "INSERT INTO auth.users (id, email, is_sso_user) VALUES (%s, 'sso@example.kz', true)", (SSO,)
        )
    for created in (True, False):
        one = repository.create_tripwire_user(email="sso@example.kz", full_name="Student", manager_id=manager_id)
        assert (one.created, one.user_id != SSO) == (created, True)
    repository.delete_student(user_id=one.user_id, manager_id=manager_id)
    with psycopg.connect(api.database_url) as connection:
        connection.execute("DELETE FROM auth.users WHERE is_sso_user")


def auth_user_ids(project: Project) -> set[UUID]:
    with psycopg.connect(project.superuser_url) as connection:
        return {user_id for (user_id,) in connection.execute("SELECT id FROM auth.users")}


def forget_everybody(project: Project) -> None:
    with psycopg.connect(project.superuser_url) as connection:
        connection.execute("DELETE FROM auth.users; DELETE FROM public.sales_activity_log")


@pytest.mark.parametrize("login", ["plain", "sighted"])
def test_no_login_of_a_backend_needs_to_see_auth_users(project: Project, login: str) -> None:
    with psycopg.connect(project.urls[login]) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT FROM auth.users")
