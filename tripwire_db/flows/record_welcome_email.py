"""Recording that the welcome e-mail has gone out, and out again: only whoever sent it knows."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, literal, or_, select, true, update

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.errors import NotFound
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.context import FlowContext, actor, details_of_person, locked_student, unknown_actor
from tripwire_db.results import WelcomeEmail
from tripwire_db.tables import tripwire_users
from tripwire_db.validation import parse_flag, parse_optional_uuid, parse_uuid


def record_welcome_email(
    context: FlowContext,
    *,
    user_id: UUID | str,
    sent: bool,
    manager_id: UUID | str | None = None,
    activity_id: UUID | str | None = None,
) -> Flow[WelcomeEmail]:
    """Mark the welcome e-mail as sent, once; the time of the first call stays.

    Sent again, it is logged again: once for each `activity_id`, and without one not at all. With `sent=False`, an attempt that failed, nothing is written: what has not gone out is not marked, and what has
    gone out cannot be taken back.

    Args:
        user_id: the student.
        sent: whether the e-mail went out.
        manager_id: who acted; by default whoever sold the student.
        activity_id: the log row's id, chosen by the caller for each e-mail that went out; a second call with it logs
            nothing.

    Raises:
        InvalidInput: an argument that cannot be right.
        NotFound: no such student or manager.

    Examples:
        >>> repository.record_welcome_email(user_id=student.user_id, sent=True).recorded
        True
    """
    return _RECORD.flow(
        user_id=parse_uuid("user_id", user_id),
        sent=parse_flag("sent", sent),
        manager_id=parse_optional_uuid("manager_id", manager_id),
        activity_id=parse_optional_uuid("activity_id", activity_id),
        at=context.now(),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> WelcomeEmail:
    if not rows:
        raise NotFound("student", asked["user_id"])
    found = rows[0]
    if found.unknown_actor:
        raise NotFound("manager", asked["manager_id"])
    return WelcomeEmail(user_id=asked["user_id"], sent=found.sent, sent_at=found.sent_at, recorded=found.recorded)


def _record(b: StatementBuilder) -> None:
    student = locked_student(b)
    who = actor(b, student)
    activity_id = param("activity_id", sa.UUID)
    gate = b.gate(
        "gate",
        select(student, who.c.id.label("actor_id"), func.coalesce(activity_id, func.gen_random_uuid()).label("log_id"))
        .join_from(student, who, true())
        .where(param("sent", sa.Boolean), or_(~student.c.welcome_email_sent, activity_id.is_not(None))),
    )
    marked = b.step(
        "mark_sent",
        update(tripwire_users)
        .where(tripwire_users.c.user_id == gate.c.user_id, ~gate.c.welcome_email_sent)
        .values(welcome_email_sent=True, welcome_email_sent_at=gate.c.at)
        .returning(tripwire_users.c.user_id, tripwire_users.c.welcome_email_sent_at),
    )
    logged = log_step(
        b,
        "log_email",
        gate,
        manager_id=gate.c.actor_id,
        action_type="email_sent",
        details=details_of_person(gate, email_type=literal("welcome")),
        activity_id=gate.c.log_id,
    )
    b.report(
        select(
            unknown_actor(who),
            or_(marked.c.user_id.is_not(None), student.c.welcome_email_sent).label("sent"),
            func.coalesce(marked.c.welcome_email_sent_at, student.c.welcome_email_sent_at).label("sent_at"),
            or_(marked.c.user_id.is_not(None), logged.c.id.is_not(None)).label("recorded"),
        )
        .select_from(student)
        .outerjoin(who, true())
        .outerjoin(marked, true())
        .outerjoin(logged, true())
    )


_RECORD = FlowStatement("record_welcome_email", _record, _decode)
