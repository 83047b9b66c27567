"""What a student's progress and statistics share: rows that are made where they lack, and only ever grow."""

from typing import Any, Literal

from sqlalchemy import CTE, ColumnElement, FromClause, func, literal

from tripwire_db.engine.statement import StatementBuilder, into
from tripwire_db.tables import student_progress, user_statistics


def advance_progress(
    b: StatementBuilder,
    name: str,
    source: FromClause,
    *,
    to: Literal["in_progress", "completed"],
    where: ColumnElement[bool],
    returning: tuple[ColumnElement[Any], ...],
) -> CTE:
    """Bring the progress of each row of `source` (user_id, module_id, lesson_id, at) to a status.

    `where` is asked of a row that is there already, in its newest version; where it is false, nothing is written or
    returned. When a lesson was started stays as it is.
    """
    reached = {"completed_at": source.c.at} if to == "completed" else {}
    progress = into(
        student_progress,
        source,
        user_id=source.c.user_id,
        module_id=source.c.module_id,
        lesson_id=source.c.lesson_id,
        status=literal(to),
        started_at=source.c.at,
        **reached,
        created_at=source.c.at,
    )
    new = progress.excluded
    return b.step(
        name,
        progress.on_conflict_do_update(
            index_elements=[student_progress.c.user_id, student_progress.c.lesson_id],
            set_={
                "status": new.status,
                "started_at": func.coalesce(student_progress.c.started_at, new.started_at),
                **{column: new[column] for column in reached},
            },
            where=where,
        ).returning(*returning),
    )


def add_to_statistics(
    b: StatementBuilder, name: str, source: FromClause, *, column: str, amount: ColumnElement[int]
) -> CTE:
    """Add an amount to one column of the statistics of each row of `source` (user_id, at)."""
    statistics = into(
        user_statistics, source, **{"user_id": source.c.user_id, column: amount, "created_at": source.c.at}
    )
    return b.step(
        name,
        statistics.on_conflict_do_update(
            index_elements=[user_statistics.c.user_id],
            set_={column: user_statistics.c[column] + statistics.excluded[column]},
        ).returning(user_statistics.c.user_id),
    )
