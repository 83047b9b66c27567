"""A student beside the lesson that a call is about, and what is refused where it is not open to them."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import CTE, FromClause, and_

from tripwire_db.engine.statement import Parameters, Row, param
from tripwire_db.errors import ModuleLocked, NotFound
from tripwire_db.flows.shared.context import USER_ID, not_active
from tripwire_db.tables import STUDYING_STATUSES, lessons, module_unlocks, student_progress

LESSON_ID = param("lesson_id", sa.Integer)
"""The lesson asked for; rows are found by it, as they are by `USER_ID`."""


def with_lesson(student: CTE) -> FromClause:
    """A student, the lesson asked for, its module's unlock and its progress; NULLs stand for what is not there."""
    return (
        sa.join(student, lessons, lessons.c.id == LESSON_ID, isouter=True)
        .outerjoin(
            module_unlocks,
            and_(module_unlocks.c.user_id == USER_ID, module_unlocks.c.module_id == lessons.c.module_id),
        )
        .outerjoin(
            student_progress,
            and_(student_progress.c.user_id == USER_ID, student_progress.c.lesson_id == LESSON_ID),
        )
    )


def row_of_open_lesson(rows: Sequence[Row], asked: Parameters) -> Row:
    """The report's one row (status, lesson_id, module_id, unlocked), of a lesson that the student may work on.

    Raises:
        NotFound: no such student or lesson.
        StudentNotActive: the student is blocked or inactive.
        ModuleLocked: the lesson's module is not unlocked for this student.
    """
    user_id, lesson_id = asked["user_id"], asked["lesson_id"]
    if not rows:
        raise NotFound("student", user_id)
    found = rows[0]
    if found.lesson_id is None:
        raise NotFound("lesson", lesson_id)
    if found.status not in STUDYING_STATUSES:
        raise not_active(user_id, found.status)
    if not found.unlocked:
        raise ModuleLocked(user_id=user_id, lesson_id=lesson_id, module_id=found.module_id)
    return found
