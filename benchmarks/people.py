"""A database with people in it, and each flow on them, ready to be run as often as one likes."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg

from tripwire_db import CreatedManager, CreatedStudent, PostgresAuth, TripwireRepository
from tripwire_db.engine.statement import Flow
from tripwire_db.flows import sales
from tripwire_db.flows.complete_lesson import complete_lesson
from tripwire_db.flows.create_manager import NewManager, create_manager
from tripwire_db.flows.create_tripwire_user import NewStudent, create_tripwire_user
from tripwire_db.flows.delete_student import delete_student
from tripwire_db.flows.issue_certificate import issue_certificate
from tripwire_db.flows.log_activity import log_activity
from tripwire_db.flows.record_welcome_email import record_welcome_email
from tripwire_db.flows.revoke_certificate import revoke_certificate
from tripwire_db.flows.search import search_activity, search_watched_segments
from tripwire_db.flows.set_student_status import set_student_status
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.flows.students import get_student, list_students
from tripwire_db.flows.unlock_next_module import unlock_next_module
from tripwire_db.flows.update_video_tracking import update_video_tracking
from tripwire_db.flows.verify_certificate import verify_certificate

COURSE = FlowContext()


class People:
    """A database with a manager and as many students as the flows use up."""

    def __init__(
        self, url: str, repository: TripwireRepository, connection: psycopg.Connection[Any], auth: PostgresAuth
    ) -> None:
        self.url = url
        self.auth = auth
        self.repository = repository
        self.connection = connection
        self._numbers = itertools.count(1)
        self.manager: CreatedManager = repository.create_manager(email="dana@sales.kz", full_name="Dana K.")
        self.graduate = self.student()
        for lesson_id in (67, 68, 69):
            self.qualify(self.graduate, lesson_id)
            done = repository.complete_lesson(user_id=self.graduate.user_id, lesson_id=lesson_id)
        if done.certificate is None:
            raise AssertionError("the last lesson gave no certificate")
        self.code = done.certificate.verification_code
        self.revoked = self.student()
        for lesson_id in (67, 68, 69):
            self.qualify(self.revoked, lesson_id)
            repository.complete_lesson(user_id=self.revoked.user_id, lesson_id=lesson_id)
        repository.revoke_certificate(user_id=self.revoked.user_id, reason="by mistake")
        self.viewer = self.student()

    def student(self) -> CreatedStudent:
        """Somebody new."""
        n = next(self._numbers)
        return self.repository.create_tripwire_user(
            email=f"student{n}@course.kz", full_name=f"Student {n}", manager_id=self.manager.user_id
        )

    def qualify(self, student: CreatedStudent, lesson_id: int) -> None:
        """Say of a video that it was watched."""
        self.connection.execute(
            "UPDATE video_tracking SET is_qualified_for_completion = true WHERE user_id = %s AND lesson_id = %s",
            [student.user_id, lesson_id],
        )

    def ready(self) -> UUID:
        """A student who may complete the first lesson."""
        student = self.student()
        self.qualify(student, 67)
        return student.user_id

    def auth_user(self) -> tuple[UUID, str]:
        """An auth user without rows, and an e-mail for them."""
        user_id, email = uuid4(), f"new{next(self._numbers)}@course.kz"
        self.connection.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", [user_id, email])
        return user_id, email

    def creation(
        self, *, user_id: UUID, email: str, full_name: str, manager_id: UUID, price: Decimal
    ) -> Flow[CreatedStudent]:
        """The statement that creates a student whose auth user is there."""
        new = NewStudent(email=email, full_name=full_name, manager_id=manager_id, price=price)
        return create_tripwire_user(COURSE, user_id=user_id, token=user_id, new=new)

    def flows(self) -> dict[str, Callable[[], Callable[[], Flow[Any]]]]:
        """Each flow: what must be there before, and then how it is made."""
        manager_id, viewer, graduate = self.manager.user_id, self.viewer.user_id, self.graduate.user_id
        seconds = itertools.count()

        def heartbeat() -> Callable[[], Flow[Any]]:
            start = next(seconds) * 2 % 1790
            return lambda: update_video_tracking(
                COURSE,
                user_id=viewer,
                lesson_id=67,
                segments=[(start, start + 10)],
                position=start,
                client_duration=1800,
            )

        def creation() -> Callable[[], Flow[Any]]:
            user_id, email = self.auth_user()
            return lambda: create_tripwire_user(
                COURSE,
                user_id=user_id,
                token=user_id,
                new=NewStudent(email=email, full_name="New", manager_id=manager_id),
            )

        def new_manager() -> Callable[[], Flow[Any]]:
            user_id, email = self.auth_user()
            return lambda: create_manager(
                COURSE, user_id=user_id, token=user_id, new=NewManager(email=email, full_name="New", role="curator")
            )

        def completion() -> Callable[[], Flow[Any]]:
            user_id = self.ready()
            return lambda: complete_lesson(COURSE, user_id=user_id, lesson_id=67)

        def deletion() -> Callable[[], Flow[Any]]:
            user_id = self.student().user_id
            return lambda: delete_student(COURSE, user_id=user_id, manager_id=manager_id)

        def status() -> Callable[[], Flow[Any]]:
            status = ("inactive", "active")[next(seconds) % 2]
            return lambda: set_student_status(COURSE, user_id=graduate, status=status, manager_id=manager_id)

        def always(make: Callable[[], Flow[Any]]) -> Callable[[], Callable[[], Flow[Any]]]:
            return lambda: make

        return {
            "create_tripwire_user": creation,
            "complete_lesson": completion,
            "update_video_tracking": heartbeat,
            "delete_student": deletion,
            "create_manager": new_manager,
            "set_student_status": status,
            "unlock_next_module": always(lambda: unlock_next_module(COURSE, user_id=viewer)),
            "issue_certificate": always(lambda: issue_certificate(COURSE, user_id=graduate)),
            "revoke_certificate": always(
                lambda: revoke_certificate(COURSE, user_id=self.revoked.user_id, reason="by mistake")
            ),
            "verify_certificate": always(lambda: verify_certificate(code=self.code)),
            "record_welcome_email": always(lambda: record_welcome_email(COURSE, user_id=viewer, sent=False)),
            "log_activity": always(
                lambda: log_activity(COURSE, manager_id=manager_id, action_type="email_sent", details={"n": 1})
            ),
            "get_student": always(lambda: get_student(user_id=graduate)),
            "list_students": always(lambda: list_students(manager_id=manager_id)),
            "search_activity": always(lambda: search_activity(details={"email": self.viewer.email})),
            "search_watched_segments": always(lambda: search_watched_segments(lesson_id=67, segment=(0, 1440))),
            "get_sales_leaderboard": always(sales.get_sales_leaderboard),
            "get_sales_chart_data": always(lambda: sales.get_sales_chart_data(manager_id=manager_id)),
            "get_manager_stats": always(lambda: sales.get_manager_stats(manager_id=manager_id)),
            "get_manager_activity": always(lambda: sales.get_manager_activity(manager_id=manager_id)),
        }


@contextmanager
def people_in(url: str) -> Iterator[People]:
    """Put people into a migrated database."""
    with (
        PostgresAuth(url) as auth,
        TripwireRepository.connect(url, auth=auth) as repository,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        yield People(url, repository, connection, auth)
