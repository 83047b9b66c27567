"""What flows that open a module share: its unlock, its lesson's progress and its video, three steps."""

from typing import Any

from sqlalchemy import CTE, FromClause, Select, and_, case, exists, join, literal, or_, select, tuple_

from tripwire_db.engine.statement import StatementBuilder, into
from tripwire_db.flows.shared.context import USER_ID
from tripwire_db.tables import lessons, module_unlocks, modules, student_progress, video_tracking

passed_module = modules.alias("passed_module")


def first_module(after: CTE | None = None) -> Select[Any]:
    """The first module in the course's order that is taught now and has a lesson.

    With `after` (user_id, module_id, module_position, module_archived): the first that stands after that one. Where none
    does, since the course was put into another order meanwhile, the first that this user has not completed.
    """
    lesson = and_(lessons.c.module_id == modules.c.id, ~lessons.c.archived)
    columns = (modules.c.id.label("module_id"), lessons.c.id.label("lesson_id"), lessons.c.duration_seconds)
    order = (modules.c.position, modules.c.id)
    if after is None:
        return select(*columns).join_from(modules, lessons, lesson).where(~modules.c.archived).order_by(*order).limit(1)
    # Whatever took the place of an archived module is no successor of it: it is the same step of the course.
    later = case(
        (after.c.module_archived, modules.c.position > after.c.module_position),
        else_=tuple_(*order) > tuple_(after.c.module_position, after.c.module_id),
    )
    passed = exists().where(
        student_progress.c.user_id == USER_ID,
        student_progress.c.status == "completed",
        passed_module.c.id == student_progress.c.module_id,
        passed_module.c.position == modules.c.position,
    )
    missed = and_(modules.c.id != after.c.module_id, ~passed)
    return (
        select(after.c.user_id, *columns)
        .select_from(join(join(after, modules, or_(later, missed)), lessons, lesson))
        .where(~modules.c.archived)
        .order_by(later.desc(), *order)
        .limit(1)
    )


def open_module(b: StatementBuilder, opening: CTE) -> CTE:
    """Open the module of each row of `opening` (user_id, module_id, lesson_id, duration_seconds, at).

    Gives the step that unlocks; what is there already stays as it is.
    """
    unlocked = unlock_module(b, "unlock_module", opening)
    open_progress(b, "open_progress", opening)
    open_video_tracking(b, "open_video_tracking", opening)
    return unlocked


def unlock_module(b: StatementBuilder, name: str, opening: FromClause) -> CTE:
    """Unlock the module of each row of `opening` (user_id, module_id, at)."""
    return b.step(
        name,
        into(
            module_unlocks,
            opening,
            user_id=opening.c.user_id,
            module_id=opening.c.module_id,
            unlocked_at=opening.c.at,
        )
        .on_conflict_do_nothing()
        .returning(module_unlocks.c.user_id, module_unlocks.c.module_id),
    )


def open_progress(b: StatementBuilder, name: str, opening: FromClause) -> CTE:
    """Make the progress of the lesson of each row of `opening` (user_id, module_id, lesson_id, at): not started."""
    return b.step(
        name,
        into(
            student_progress,
            opening,
            user_id=opening.c.user_id,
            module_id=opening.c.module_id,
            lesson_id=opening.c.lesson_id,
            status=literal("not_started"),
            created_at=opening.c.at,
        )
        .on_conflict_do_nothing()
        .returning(student_progress.c.user_id),
    )


def open_video_tracking(b: StatementBuilder, name: str, opening: FromClause) -> CTE:
    """Make the video's row of the lesson of each row of `opening` (user_id, lesson_id, duration_seconds, at).

    Creation is no watching: when the video was last seen stays NULL.
    """
    return b.step(
        name,
        into(
            video_tracking,
            opening,
            user_id=opening.c.user_id,
            lesson_id=opening.c.lesson_id,
            video_duration_seconds=opening.c.duration_seconds,
            created_at=opening.c.at,
        )
        .on_conflict_do_nothing()
        .returning(video_tracking.c.user_id),
    )
