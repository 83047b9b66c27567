"""Reading the course's lessons."""

from sqlalchemy import select

from tripwire_db.engine.statement import Flow, FlowStatement, StatementBuilder
from tripwire_db.results import Lesson
from tripwire_db.tables import lessons, modules

LESSON = (
    lessons.c.id.label("lesson_id"),
    lessons.c.module_id,
    lessons.c.title,
    lessons.c.duration_seconds,
    lessons.c.archived,
)
"""The fields of `Lesson`, in their order."""


def list_lessons() -> Flow[list[Lesson]]:
    """Every lesson, archived ones too, in the course's order: `repository.list_lessons`."""
    return _LIST.flow()


def _list(b: StatementBuilder) -> None:
    b.report(
        select(*LESSON)
        .join_from(lessons, modules, modules.c.id == lessons.c.module_id)
        .order_by(modules.c.position, lessons.c.archived, lessons.c.id)
    )


_LIST = FlowStatement("list_lessons", _list, lambda rows, _: [Lesson(*row) for row in rows])
