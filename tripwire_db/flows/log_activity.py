"""Writing a row of the activity log that no other flow writes."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import and_, func, literal, select, true
from sqlalchemy.dialects.postgresql import JSONB

from tripwire_db.choices import ACTION_TYPES, ActionType
from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, one_row, param
from tripwire_db.errors import NotFound
from tripwire_db.flows.shared.activity import activity_of, jsonb, log_step
from tripwire_db.flows.shared.context import FlowContext, acting_manager
from tripwire_db.results import Activity
from tripwire_db.tables import sales_activity_log, users
from tripwire_db.validation import parse_choice, parse_details, parse_optional_uuid, parse_uuid


def log_activity(
    context: FlowContext,
    *,
    manager_id: UUID | str | None,
    action_type: ActionType,
    target_user_id: UUID | str | None = None,
    details: Mapping[str, Any] | None = None,
    activity_id: UUID | str | None = None,
) -> Flow[Activity]:
    """Write one row of the log; the target's e-mail and name are copied into its details, if it is known.

    Args:
        manager_id: who acted; None stands for the system.
        action_type: one of `choices.ActionType`.
        target_user_id: about whom, if about anybody; they may be gone already.
        details: a JSON object of at most 64 KiB.
        activity_id: the row's id, chosen by the caller; a second call with it returns the row and writes nothing.

    Raises:
        InvalidInput: an argument that cannot be right.
        NotFound: no such manager.

    Examples:
        >>> repository.log_activity(
        ...     manager_id=manager.user_id, action_type="password_reset", target_user_id=student.user_id
        ... ).target_user_email
        'aigerim@example.com'
    """
    return _LOG.flow(
        activity_id=uuid4() if activity_id is None else parse_uuid("activity_id", activity_id),
        manager_id=parse_optional_uuid("manager_id", manager_id),
        action_type=parse_choice("action_type", action_type, ACTION_TYPES),
        target_user_id=parse_optional_uuid("target_user_id", target_user_id),
        details=jsonb(parse_details("details", details)),
        at=context.now(),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> Activity:
    found = rows[0]
    if found.id is None:
        raise NotFound("manager", asked["manager_id"])
    return activity_of(found)


def _log(b: StatementBuilder) -> None:
    manager = acting_manager(b)
    manager_id, target = param("manager_id", sa.UUID), param("target_user_id", sa.UUID)
    person = users.alias("person")
    # E-mail and name win over what the caller says of them: the log tells them as they were.
    known = func.jsonb_strip_nulls(
        func.jsonb_build_object(literal("email"), person.c.email, literal("full_name"), person.c.full_name)
    )
    gate = b.gate(
        "gate",
        select(target.label("user_id"), b.at.label("at"), (param("details", JSONB) + known).label("details"))
        .select_from(b.settings)
        .outerjoin(manager, true())
        .outerjoin(person, person.c.id == target)
        .where(sa.or_(manager_id.is_(None), manager.c.id.is_not(None))),
    )
    columns = (
        sales_activity_log.c.id,
        sales_activity_log.c.manager_id,
        sales_activity_log.c.action_type,
        sales_activity_log.c.target_user_id,
        sales_activity_log.c.details,
        sales_activity_log.c.created_at,
    )
    written = log_step(
        b,
        "write_log",
        gate,
        manager_id=manager_id,
        action_type=param("action_type"),
        details=gate.c.details,
        activity_id=param("activity_id", sa.UUID),
        returning=columns,
    )
    before = select(*columns).where(sales_activity_log.c.id == param("activity_id", sa.UUID)).subquery("before")
    b.report(
        select(
            *(func.coalesce(written.c[column.name], before.c[column.name]).label(column.name) for column in columns),
            and_(gate.c.at.is_not(None), written.c.id.is_(None), before.c.id.is_(None)).label("raced"),
        )
        .select_from(one_row())
        .outerjoin(gate, true())
        .outerjoin(written, true())
        .outerjoin(before, true())
    )


_LOG = FlowStatement("log_activity", _log, _decode)
