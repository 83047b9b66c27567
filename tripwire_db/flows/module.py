"""What flows that open a module share: its unlock, its lesson's progress and its video, three steps."""

from typing import Any

from sqlalchemy import CTE, Select, and_, join, literal, select, tuple_

from tripwire_db.flow import Steps, into
from tripwire_db.tables import lessons, module_unlocks, modules, student_progress, video_tracking


def first_module(after: CTE | None = None) -> Select[Any]:
    """The first module in the course's order that is taught now and has a lesson.

    With `after` (user_id, module_position, module_id): the first that stands after that one, for that user.
    """
    lesson = and_(lessons.c.module_id == modules.c.id, ~lessons.c.archived)
    columns = (modules.c.id.label("module_id"), lessons.c.id.label("lesson_id"), lessons.c.duration_seconds)
    if after is None:
        found = select(*columns).join_from(modules, lessons, lesson)
    else:
        later = tuple_(modules.c.position, modules.c.id) > tuple_(after.c.module_position, after.c.module_id)
        found = select(after.c.user_id, *columns).select_from(join(join(after, modules, later), lessons, lesson))
    return found.where(~modules.c.archived).order_by(modules.c.position, modules.c.id).limit(1)


def open_module(flow: Steps, opening: CTE) -> CTE:
    """Open the module of each row of `opening` (user_id, module_id, lesson_id, duration_seconds, at).

    Gives the step that unlocks; what is there already stays as it is.
    """
    unlock = flow.step(
        "unlock_module",
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
    flow.step(
        "open_progress",
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
    # Creation is no watching: when the video was last seen stays NULL.
    flow.step(
        "open_video_tracking",
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
    return unlock
