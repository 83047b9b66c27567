"""Who gave a student another password, for the log. The password is the auth service's to keep, and the repository's to set."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, case, func, select, true

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, one_row, param
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.context import USER_ID, FlowContext, details_of_person
from tripwire_db.flows.shared.permission import acting_manager_with_role, may_change, require_may_change
from tripwire_db.results import PasswordReset
from tripwire_db.tables import sales_activity_log, tripwire_users


def reset_password(context: FlowContext, *, user_id: UUID, manager_id: UUID, activity_id: UUID) -> Flow[PasswordReset]:
    """Log that a manager who may do it sets a student's password; a second call with the same `activity_id` writes nothing.

    The student's row is not locked: nothing of it changes, and the auth service is called before this is committed.
    """
    return _LOG_RESET.flow(user_id=user_id, manager_id=manager_id, activity_id=activity_id, at=context.now())


def _decode(rows: Sequence[Row], asked: Parameters) -> PasswordReset:
    found = rows[0]
    require_may_change(found, asked)
    return PasswordReset(user_id=asked["user_id"], at=found.logged_at)


def _log_reset(b: StatementBuilder) -> None:
    manager = acting_manager_with_role(b)
    student = b.gate(
        "student",
        select(
            tripwire_users.c.user_id,
            tripwire_users.c.email,
            tripwire_users.c.full_name,
            tripwire_users.c.granted_by,
            b.at.label("at"),
        ).join_from(b.settings, tripwire_users, tripwire_users.c.user_id == USER_ID),
    )
    gate = b.gate(
        "gate",
        select(student, manager.c.id.label("manager_id")).join_from(student, manager, may_change(manager, student)),
    )
    logged = log_step(
        b,
        "log_reset",
        gate,
        manager_id=gate.c.manager_id,
        action_type="password_reset",
        details=details_of_person(gate),
        activity_id=param("activity_id", sa.UUID),
    )
    before = (
        select(sales_activity_log.c.created_at)
        .where(sales_activity_log.c.id == param("activity_id", sa.UUID))
        .subquery("before")
    )
    b.report(
        select(
            student.c.user_id.label("student_id"),
            manager.c.role.label("manager_role"),
            may_change(manager, student).label("permitted"),
            func.coalesce(case((logged.c.id.is_not(None), gate.c.at)), before.c.created_at).label("logged_at"),
            and_(gate.c.at.is_not(None), logged.c.id.is_(None), before.c.created_at.is_(None)).label("raced"),
        )
        .select_from(one_row())
        .outerjoin(student, true())
        .outerjoin(manager, true())
        .outerjoin(gate, true())
        .outerjoin(logged, true())
        .outerjoin(before, true())
    )


_LOG_RESET = FlowStatement("reset_password", _log_reset, _decode)
