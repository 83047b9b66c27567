"""Changing a student's status, and nothing else of them."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select, true, update

from tripwire_db.choices import STUDENT_STATUSES, Status
from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.errors import NotFound
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.context import FlowContext, acting_manager, details_of_person, locked_student
from tripwire_db.results import StudentStatus
from tripwire_db.tables import MODULES_IN_COURSE, tripwire_users
from tripwire_db.validation import parse_choice, parse_uuid


def set_student_status(
    context: FlowContext, *, user_id: UUID | str, status: Status, manager_id: UUID | str
) -> Flow[StudentStatus]:
    """Set a student's status; progress, counters and certificates stay as they are.

    A graduate who is made active again is `completed`, as before: that is what is counted. Called again it changes and
    logs nothing.

    Args:
        user_id: the student.
        status: active, inactive, completed or blocked; who has completed the course is completed, not active.
        manager_id: who does it; a user of any role but student.

    Raises:
        InvalidInput: an argument that cannot be right.
        NotFound: no such student or manager.

    Examples:
        >>> repository.set_student_status(user_id=student.user_id, status="blocked", manager_id=manager.user_id).changed
        True
    """
    return _SET_STATUS.flow(
        user_id=parse_uuid("user_id", user_id),
        status=parse_choice("status", status, STUDENT_STATUSES),
        manager_id=parse_uuid("manager_id", manager_id),
        at=context.now(),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> StudentStatus:
    if not rows:
        raise NotFound("student", asked["user_id"])
    if rows[0].manager_id is None:
        raise NotFound("manager", asked["manager_id"])
    return StudentStatus(user_id=asked["user_id"], status=rows[0].status, changed=rows[0].changed)


def _set_status(b: StatementBuilder) -> None:
    student = locked_student(b)
    manager = acting_manager(b)
    asked = sa.cast(param("status"), sa.Text)
    finished = sa.and_(asked == "active", student.c.modules_completed >= MODULES_IN_COURSE)
    wanted = b.gate(
        "wanted", select(sa.case((finished, "completed"), else_=asked).label("status")).select_from(student)
    )
    gate = b.gate(
        "gate",
        select(student, manager.c.id.label("manager_id"), wanted.c.status.label("new_status"))
        .select_from(student)
        .join(manager, true())
        .join(wanted, student.c.status != wanted.c.status),
    )
    changed = b.step(
        "update_status",
        update(tripwire_users)
        .where(tripwire_users.c.user_id == gate.c.user_id)
        .values(status=gate.c.new_status)
        .returning(tripwire_users.c.user_id),
    )
    logged = select(gate).join_from(gate, changed, true()).subquery("logged")
    log_step(
        b,
        "log_status",
        logged,
        manager_id=logged.c.manager_id,
        action_type="user_status_updated",
        details=details_of_person(logged, old_status=logged.c.status, new_status=logged.c.new_status),
    )
    b.report(
        select(
            manager.c.id.label("manager_id"),
            wanted.c.status,
            changed.c.user_id.is_not(None).label("changed"),
        )
        .select_from(student)
        .join(wanted, true())
        .outerjoin(manager, true())
        .outerjoin(changed, true())
    )


_SET_STATUS = FlowStatement("set_student_status", _set_status, _decode)
