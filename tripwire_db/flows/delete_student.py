"""Deleting a student's rows; the log stays. The auth user is the repository's to remove, afterwards."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Table, and_, delete, func, or_, select, true

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, one_row
from tripwire_db.errors import NotFound, Refused
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.context import USER_ID, FlowContext, acting_manager, details_of_person, locked_student
from tripwire_db.results import DeletedStudent
from tripwire_db.tables import (
    certificates,
    module_unlocks,
    sales_activity_log,
    student_progress,
    tripwire_user_profile,
    tripwire_users,
    user_achievements,
    user_statistics,
    users,
    video_tracking,
)
from tripwire_db.validation import parse_uuid


def delete_student(context: FlowContext, *, user_id: UUID | str, manager_id: UUID | str) -> Flow[DeletedStudent]:
    """Remove every row of a student, certificates too, and write who did it into the log.

    Called again, after the rows are gone, it tells what the log remembers; whoever never was is NotFound.

    Raises:
        InvalidInput: an id of the wrong type.
        NotFound: no such student ever, or no such manager.
        Refused: the person is more than a student; change their role first.
    """
    return _DELETE.flow(
        user_id=parse_uuid("user_id", user_id), manager_id=parse_uuid("manager_id", manager_id), at=context.now()
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> DeletedStudent:
    found = rows[0]
    if not found.manager_known:
        raise NotFound("manager", asked["manager_id"])
    if found.user_id is None and found.logged_id is None:
        raise NotFound("student", asked["user_id"])
    if not found.is_student:
        raise Refused(
            f"user {asked['user_id']} is {found.role}, not only a student, so nothing was deleted: change the role first"
        )
    return DeletedStudent(user_id=asked["user_id"], email=found.email, full_name=found.full_name, deleted=found.deleted)


def _delete(b: StatementBuilder) -> None:
    student = locked_student(b)
    manager = acting_manager(b)
    gate = b.gate(
        "gate",
        select(student, manager.c.id.label("manager_id"))
        .join_from(student, manager, true())
        .outerjoin(users, users.c.id == student.c.user_id)
        .where(or_(users.c.role.is_(None), users.c.role == "student")),
    )
    gone = _delete_rows(b, gate)
    logged = select(gate).join_from(gate, gone, true()).subquery("logged")
    log_step(
        b,
        "log_deletion",
        logged,
        manager_id=logged.c.manager_id,
        action_type="user_deleted",
        details=details_of_person(logged),
    )
    _report(b, student=student, manager=manager, gate=gate, gone=gone)


def _delete_rows(b: StatementBuilder, gate: sa.CTE) -> sa.CTE:
    """Every row of the student's, a table a step; gives the step of `tripwire_users`."""

    def remove(name: str, table: Table, key: sa.Column[Any]) -> sa.CTE:
        return b.step(name, delete(table).where(key == gate.c.user_id).returning(key))

    remove("delete_certificates", certificates, certificates.c.user_id)
    remove("delete_achievements", user_achievements, user_achievements.c.user_id)
    remove("delete_statistics", user_statistics, user_statistics.c.user_id)
    remove("delete_video_tracking", video_tracking, video_tracking.c.user_id)
    remove("delete_progress", student_progress, student_progress.c.user_id)
    remove("delete_unlocks", module_unlocks, module_unlocks.c.user_id)
    remove("delete_profile", tripwire_user_profile, tripwire_user_profile.c.user_id)
    gone = remove("delete_student", tripwire_users, tripwire_users.c.user_id)
    remove("delete_user", users, users.c.id)
    return gone


def _report(b: StatementBuilder, *, student: sa.CTE, manager: sa.CTE, gate: sa.CTE, gone: sa.CTE) -> None:
    remembered = (
        select(sales_activity_log.c.id, sales_activity_log.c.details)
        .where(
            sales_activity_log.c.target_user_id == USER_ID,
            sales_activity_log.c.action_type == "user_deleted",
        )
        .order_by(sales_activity_log.c.created_at.desc())
        .limit(1)
        .subquery("remembered")
    )
    # Read without a lock, as of the statement's start: a student whose row vanished while the gate waited was deleted by
    # another call just now, and what that call logged can be seen only by running again.
    there_at_start = sa.exists().where(tripwire_users.c.user_id == USER_ID)
    current = select(users.c.role).where(users.c.id == USER_ID).subquery("current_user_row")
    b.report(
        select(
            manager.c.id.is_not(None).label("manager_known"),
            student.c.user_id,
            remembered.c.id.label("logged_id"),
            current.c.role,
            func.coalesce(current.c.role == "student", sa.true()).label("is_student"),
            func.coalesce(student.c.email, remembered.c.details["email"].astext).label("email"),
            func.coalesce(student.c.full_name, remembered.c.details["full_name"].astext).label("full_name"),
            gone.c.user_id.is_not(None).label("deleted"),
            or_(
                and_(gate.c.user_id.is_not(None), gone.c.user_id.is_(None)),
                and_(student.c.user_id.is_(None), there_at_start),
            ).label("raced"),
        )
        .select_from(one_row())
        .outerjoin(manager, true())
        .outerjoin(student, true())
        .outerjoin(remembered, true())
        .outerjoin(current, true())
        .outerjoin(gate, true())
        .outerjoin(gone, true())
    )


_DELETE = FlowStatement("delete_student", _delete, _decode)
