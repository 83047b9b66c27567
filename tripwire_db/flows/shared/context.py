"""What every flow of one repository shares, and the pieces of SQL that more than one flow needs."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, UUID, ColumnElement, func, literal, or_, select, true

from tripwire_db.choices import Status
from tripwire_db.engine.statement import StatementBuilder, param
from tripwire_db.errors import StudentNotActive
from tripwire_db.tables import tripwire_users, users, video_tracking
from tripwire_db.validation import parse_time
from tripwire_db.video import WatchPolicy

Clock = Callable[[], datetime]

DEFAULT_CERTIFICATE_URL = "/certificates/"

USER_ID = param("user_id", UUID)
"""The student asked for. Their rows are found by it, not by the `user_id` of a gate, which is known only while the statement
runs: a plan that was made when the tables were new, and kept, might then read everybody's rows of a lesson first."""


@dataclass(frozen=True, slots=True)
class FlowContext:
    """What a repository was told once, for all its calls.

    Attributes:
        policy: how watched time counts.
        clock: gives every time that a flow writes, as an aware datetime; None leaves it to the database.
        certificate_url: a certificate's URL is this and its verification code.
    """

    policy: WatchPolicy = field(default_factory=WatchPolicy)
    clock: Clock | None = None
    certificate_url: str = DEFAULT_CERTIFICATE_URL

    def now(self) -> datetime | None:
        """The clock's time; None stands for the database's."""
        return None if self.clock is None else parse_time("the clock's time", self.clock())


def locked_student(b: StatementBuilder) -> CTE:
    """The gate of every flow that changes a student: their row of `tripwire_users`, locked.

    Whoever else changes this student waits for this statement to end, and then reads the row as it left it.
    """
    student = tripwire_users.c
    return b.gate(
        "student",
        select(
            student.user_id,
            student.email,
            student.full_name,
            student.granted_by,
            student.status,
            student.modules_completed,
            student.welcome_email_sent,
            student.welcome_email_sent_at,
            b.at.label("at"),
        )
        .join_from(b.settings, tripwire_users, student.user_id == USER_ID)
        .with_for_update(of=tripwire_users),
    )


def acting_manager(b: StatementBuilder) -> CTE:
    """Whoever is said to act: a user of any role but student."""
    return b.gate(
        "manager",
        select(users.c.id, users.c.full_name).where(users.c.id == param("manager_id", UUID), users.c.role != "student"),
    )


def actor(b: StatementBuilder, student: CTE) -> CTE:
    """Who acts, for the log: the manager given, else the one who sold the student, else NULL for the system.

    Yields no row, and so closes the gate that joins it, where a manager was given who is not known.
    """
    manager = acting_manager(b)
    given = param("manager_id", UUID)
    return b.gate(
        "actor",
        select(func.coalesce(manager.c.id, student.c.granted_by).label("id"), true().label("known"))
        .select_from(student)
        .outerjoin(manager, true())
        .where(or_(given.is_(None), manager.c.id.is_not(None))),
    )


def unknown_actor(who: CTE) -> ColumnElement[bool]:
    """A column of the report: whether the manager given is not known."""
    return who.c.known.is_(None).label("unknown_actor")


def not_active(user_id: uuid.UUID, status: Status) -> StudentNotActive:
    """What is raised for a student who may not study now."""
    return StudentNotActive(user_id=user_id, status=status)


def last_seen_at(user_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """When a student last watched any of the videos; NULL for who never has."""
    latest = select(func.max(video_tracking.c.last_seen_at)).where(video_tracking.c.user_id == user_id)
    return latest.scalar_subquery()


def details_of_person(source: Any, **more: Any) -> ColumnElement[Any]:
    """The details of a log row: the person's e-mail and name as they are now, and whatever else there is to say."""
    parts = {"email": source.c.email, "full_name": source.c.full_name, **more}
    return func.jsonb_build_object(*(part for name, value in parts.items() for part in (literal(name), value)))
