"""Changing a lesson's title or duration: the course's owner does, and no player."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CTE, ColumnElement, and_, func, literal, or_, select, true, update

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, one_row, param
from tripwire_db.errors import NotFound
from tripwire_db.flows.list_lessons import LESSON
from tripwire_db.flows.shared.activity import details_of_changes, log_step
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.flows.shared.permission import acting_manager_with_role, require_admin
from tripwire_db.results import Lesson
from tripwire_db.tables import lessons
from tripwire_db.validation import parse_integer, parse_name, parse_uuid

MAX_DURATION = 86_400
"""A day."""


def update_lesson(
    context: FlowContext,
    *,
    lesson_id: int,
    manager_id: UUID | str,
    title: str | None = None,
    duration_seconds: int | None = None,
) -> Flow[Lesson]:
    """Change a lesson's title or duration, and log who did: `repository.update_lesson`."""
    duration = duration_seconds
    if duration is not None:
        duration = parse_integer("duration_seconds", duration, least=1, most=MAX_DURATION)
    return _UPDATE.flow(
        lesson_id=parse_integer("lesson_id", lesson_id),
        manager_id=parse_uuid("manager_id", manager_id),
        title=None if title is None else parse_name("title", title),
        duration_seconds=duration,
        at=context.now(),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> Lesson:
    found = rows[0]
    require_admin(found, asked)
    if found.lesson_id is None:
        raise NotFound("lesson", asked["lesson_id"])
    return Lesson(*(getattr(found, column.name) for column in LESSON))


def _update(b: StatementBuilder) -> None:
    manager = acting_manager_with_role(b)
    lesson = _locked(b)
    wanted = _wanted(b, lesson, manager)
    updated = b.step(
        "update_lesson",
        update(lessons)
        .where(lessons.c.id == wanted.c.lesson_id)
        .values(title=wanted.c.title, duration_seconds=wanted.c.duration_seconds)
        .returning(lessons.c.id),
    )
    logged = select(wanted).join_from(wanted, updated, true()).subquery("logged")
    log_step(
        b,
        "log_lesson",
        logged,
        manager_id=logged.c.manager_id,
        action_type="lesson_updated",
        details=_details(logged),
    )
    shown: dict[str, ColumnElement[Any]] = {column.name: lesson.c[column.name] for column in LESSON}
    shown |= {name: func.coalesce(wanted.c[name], lesson.c[name]) for name in ("title", "duration_seconds")}
    b.report(
        select(manager.c.role.label("manager_role"), *(value.label(name) for name, value in shown.items()))
        .select_from(one_row())
        .outerjoin(manager, true())
        .outerjoin(lesson, true())
        .outerjoin(wanted, true())
    )


def _locked(b: StatementBuilder) -> CTE:
    """The lesson's row, locked against other changes of it; what refers to it is not kept waiting."""
    return b.gate(
        "lesson",
        select(*LESSON, b.at.label("at"))
        .join_from(b.settings, lessons, lessons.c.id == param("lesson_id", sa.Integer))
        .with_for_update(of=lessons, key_share=True),
    )


def _wanted(b: StatementBuilder, lesson: CTE, manager: CTE) -> CTE:
    """The lesson as an admin wants it; no row where that is what it is."""
    title = func.coalesce(param("title"), lesson.c.title)
    duration = func.coalesce(param("duration_seconds", sa.Integer), lesson.c.duration_seconds)
    return b.gate(
        "wanted",
        select(
            lesson.c.lesson_id,
            lesson.c.at,
            manager.c.id.label("manager_id"),
            sa.cast(sa.null(), sa.UUID).label("user_id"),  # it is about nobody
            lesson.c.title.label("old_title"),
            lesson.c.duration_seconds.label("old_duration_seconds"),
            title.label("title"),
            duration.label("duration_seconds"),
        ).join_from(
            lesson,
            manager,
            and_(
                manager.c.role == literal("admin"),
                or_(title != lesson.c.title, duration != lesson.c.duration_seconds),
            ),
        ),
    )


def _details(logged: sa.Subquery) -> ColumnElement[Any]:
    """Which lesson, and of each field that was changed what it was and what it is."""
    return details_of_changes(logged, "title", "duration_seconds", lesson_id=logged.c.lesson_id)


_UPDATE = FlowStatement("update_lesson", _update, _decode)
