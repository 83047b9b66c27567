"""Opening the module after the highest that a student has completed."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, func, literal, select, true

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder
from tripwire_db.errors import NotEligible, NotFound
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.context import USER_ID, FlowContext, details_of_person, locked_student, not_active
from tripwire_db.flows.shared.module import first_module, open_module
from tripwire_db.results import ModuleUnlock
from tripwire_db.tables import STUDYING_STATUSES, module_unlocks, modules, student_progress
from tripwire_db.validation import parse_uuid


def unlock_next_module(context: FlowContext, *, user_id: UUID | str) -> Flow[ModuleUnlock]:
    """Open the module after the highest completed one, never more; the first, where none is completed.

    Called again it returns the same, with `newly_unlocked` False.

    Raises:
        InvalidInput: an id of the wrong type.
        NotFound: no such student.
        StudentNotActive: the student is blocked or inactive.
        NotEligible: the last module is completed; nothing comes after it.

    Examples:
        >>> repository.unlock_next_module(user_id=student.user_id).module_id
        17
    """
    return _UNLOCK.flow(user_id=parse_uuid("user_id", user_id), at=context.now())


def _decode(rows: Sequence[Row], asked: Parameters) -> ModuleUnlock:
    user_id = asked["user_id"]
    if not rows:
        raise NotFound("student", user_id)
    found = rows[0]
    if found.status not in STUDYING_STATUSES:
        raise not_active(user_id, found.status)
    if found.module_id is None:
        raise NotEligible(user_id=user_id, modules_completed=found.modules_completed, needed=None)
    return ModuleUnlock(
        user_id=user_id,
        module_id=found.module_id,
        lesson_id=found.lesson_id,
        newly_unlocked=found.newly_unlocked,
    )


def _unlock(b: StatementBuilder) -> None:
    student = locked_student(b)
    # The highest completed module, or a place before the first.
    highest = b.gate(
        "highest_completed",
        select(
            student.c.user_id,
            func.coalesce(modules.c.position, literal(-(2**31))).label("module_position"),
            func.coalesce(modules.c.id, literal(-(2**31))).label("module_id"),
            func.coalesce(modules.c.archived, sa.false()).label("module_archived"),
        )
        .select_from(student)
        .outerjoin(
            sa.join(student_progress, modules, modules.c.id == student_progress.c.module_id),
            and_(student_progress.c.user_id == USER_ID, student_progress.c.status == "completed"),
        )
        .order_by(modules.c.position.desc().nulls_last(), modules.c.id.desc())
        .limit(1),
    )
    following = b.gate("next_module", first_module(after=highest))
    opening = b.gate(
        "opening",
        select(following, student.c.at)
        .join_from(following, student, student.c.status.in_(STUDYING_STATUSES))
        .outerjoin(
            module_unlocks,
            and_(module_unlocks.c.user_id == USER_ID, module_unlocks.c.module_id == following.c.module_id),
        )
        .where(module_unlocks.c.id.is_(None)),
    )
    unlock = open_module(b, opening)
    unlocked = select(student, unlock.c.module_id).join_from(student, unlock, true()).subquery("unlocked")
    log_step(
        b,
        "log_unlock",
        unlocked,
        manager_id=unlocked.c.granted_by,
        action_type="module_unlocked",
        details=details_of_person(unlocked, module_id=unlocked.c.module_id),
    )
    b.report(
        select(
            student.c.status,
            student.c.modules_completed,
            following.c.module_id,
            following.c.lesson_id,
            unlock.c.module_id.is_not(None).label("newly_unlocked"),
            and_(opening.c.module_id.is_not(None), unlock.c.module_id.is_(None)).label("raced"),
        )
        .select_from(student)
        .outerjoin(following, true())
        .outerjoin(opening, true())
        .outerjoin(unlock, true())
    )


_UNLOCK = FlowStatement("unlock_next_module", _unlock, _decode)
