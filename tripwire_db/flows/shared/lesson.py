"""A student beside the lesson that a call is about."""

import sqlalchemy as sa
from sqlalchemy import CTE, FromClause, and_

from tripwire_db.engine.statement import param
from tripwire_db.tables import lessons, module_unlocks, student_progress


def with_lesson(student: CTE) -> FromClause:
    """A student, the lesson asked for, its module's unlock and its progress; NULLs stand for what is not there."""
    return (
        sa.join(student, lessons, lessons.c.id == param("lesson_id", sa.Integer), isouter=True)
        .outerjoin(
            module_unlocks,
            and_(module_unlocks.c.user_id == student.c.user_id, module_unlocks.c.module_id == lessons.c.module_id),
        )
        .outerjoin(
            student_progress,
            and_(student_progress.c.user_id == student.c.user_id, student_progress.c.lesson_id == lessons.c.id),
        )
    )
