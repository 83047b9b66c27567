"""Reading students: one whole journey, or a page of many."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, func, literal_column, or_, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by, array

from tripwire_db.choices import STUDENT_STATUSES, Status
from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.errors import InvalidInput, NotFound
from tripwire_db.flows.shared.certificate import COLUMNS as CERTIFICATE_COLUMNS
from tripwire_db.flows.shared.certificate import certificate_of
from tripwire_db.results import (
    Achievement,
    LessonProgress,
    Student,
    StudentJourney,
    UnlockedModule,
    VideoTracking,
)
from tripwire_db.tables import (
    ACHIEVEMENTS,
    certificates,
    lessons,
    module_unlocks,
    modules,
    student_progress,
    tripwire_user_profile,
    tripwire_users,
    user_achievements,
    user_statistics,
    video_tracking,
)
from tripwire_db.validation import parse_choice, parse_integer, parse_optional_uuid, parse_text, parse_time, parse_uuid
from tripwire_db.video import parse_segments

MAX_LIMIT = 1000
LONGEST_SEARCH = 300

_USER_ID = tripwire_users.c.user_id
# The fields of `Student`, in their order; a row begins with them.
_STUDENT = (
    tripwire_users.c.id,
    tripwire_users.c.user_id,
    tripwire_users.c.email,
    tripwire_users.c.full_name,
    tripwire_users.c.granted_by.label("manager_id"),
    tripwire_users.c.manager_name,
    tripwire_users.c.status,
    tripwire_users.c.modules_completed,
    tripwire_users.c.price,
    tripwire_users.c.welcome_email_sent,
    tripwire_users.c.welcome_email_sent_at,
    tripwire_users.c.created_at,
)


def get_student(*, user_id: UUID | str) -> Flow[StudentJourney]:
    """Everything about one student, in one statement.

    Raises:
        InvalidInput: an id of the wrong type.
        NotFound: no such student.

    Examples:
        >>> journey = repository.get_student(user_id=student.user_id)
        >>> [(lesson.lesson_id, lesson.status) for lesson in journey.progress]
        [(67, 'completed'), (68, 'in_progress')]
    """
    return _GET.flow(user_id=parse_uuid("user_id", user_id))


def list_students(
    *,
    manager_id: UUID | str | None = None,
    status: Status | None = None,
    search: str | None = None,
    limit: int = 20,
    after: Student | None = None,
) -> Flow[list[Student]]:
    """A page of students, newest first.

    Args:
        manager_id: only those whom this manager sold.
        status: only those with this status.
        search: only those whose e-mail or name contains this, upper and lower case alike.
        limit: at most so many, 1–1000.
        after: the last student of the page before; nobody is lost or seen twice between pages.

    Raises:
        InvalidInput: an argument that cannot be right.

    Examples:
        >>> page = repository.list_students(limit=100)
        >>> while page:
        ...     page = repository.list_students(limit=100, after=page[-1])
    """
    if after is not None and not isinstance(after, Student):
        raise InvalidInput("after must be the last Student of the page before")
    asked: dict[str, Any] = {}
    if manager_id is not None:
        asked["manager_id"] = parse_optional_uuid("manager_id", manager_id)
    if status is not None:
        asked["status"] = parse_choice("status", status, STUDENT_STATUSES)
    if search is not None:
        text = parse_text("search", search, longest=LONGEST_SEARCH)
        asked["email_like"] = f"%{_escaped(text.lower())}%"
        asked["name_matches"] = _in_any_case(text)
    if after is not None:
        asked["after_created_at"] = parse_time("the time of after", after.created_at)
        asked["after_id"] = parse_uuid("the id of after", after.id)
    filters = (asked.pop("status", None), "manager_id" in asked, "email_like" in asked, "after_id" in asked)
    return list_statement(*filters).flow(**asked, limit=parse_integer("limit", limit, least=1, most=MAX_LIMIT))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _in_any_case(text: str) -> str:
    """A regular expression for a text, upper and lower case alike.

    The cases are spelt out here, since a server folds them by its locale: under C it knows only A to Z.
    """
    return "".join(_either_case(character) for character in text)


def _either_case(character: str) -> str:
    # The small sigma has another form at the end of a word.
    known = {character, character.lower(), character.upper(), *("σς" if character in "Σσς" else "")}
    cases = {case for letter in known for case in (letter, letter.upper(), letter.title()) if len(case) == 1}
    if len(cases) > 1:
        return f"[{''.join(sorted(cases))}]"
    if character.isalnum():
        return character
    return f"\\{character}" if character in "^\\" else f"[{character}]"


@cache
def list_statement(status: str | None, of_manager: bool, searched: bool, later: bool) -> FlowStatement[list[Student]]:
    """The statement of `list_students` for a combination of filters, so that the planner sees which index serves it."""

    def build(b: StatementBuilder) -> None:
        page = select(*_STUDENT)
        if status is not None:
            # A constant: a partial index is only taken where its condition can be seen.
            page = page.where(tripwire_users.c.status == status)
        if of_manager:
            page = page.where(tripwire_users.c.granted_by == param("manager_id", sa.UUID))
        if searched:
            page = page.where(
                or_(
                    tripwire_users.c.email.like(param("email_like")),
                    tripwire_users.c.full_name.regexp_match(param("name_matches")),
                )
            )
        if later:
            key = tuple_(tripwire_users.c.created_at, tripwire_users.c.id)
            page = page.where(
                key < tuple_(param("after_created_at", sa.DateTime(timezone=True)), param("after_id", sa.UUID))
            )
        b.report(
            page.order_by(tripwire_users.c.created_at.desc(), tripwire_users.c.id.desc()).limit(
                param("limit", sa.BigInteger)
            )
        )

    return FlowStatement("list_students", build, lambda rows, _: [_student_of(row) for row in rows])


def _student_of(row: Row) -> Student:
    return Student(*row[: len(_STUDENT)])


def _decode_journey(rows: Sequence[Row], asked: Parameters) -> StudentJourney:
    if not rows:
        raise NotFound("student", asked["user_id"])
    found = rows[0]
    return StudentJourney(
        student=_student_of(found),
        completion_percentage=found.completion_percentage or Decimal(0),
        lessons_completed=found.lessons_completed or 0,
        total_time_spent=found.total_time_spent or 0,
        progress=tuple(
            LessonProgress(lesson_id, module_id, status, _time(started), _time(completed))
            for lesson_id, module_id, status, started, completed in found.progress
        ),
        video=tuple(
            VideoTracking(lesson_id, parse_segments(segments), *rest) for lesson_id, segments, *rest in found.video
        ),
        unlocks=tuple(
            UnlockedModule(module_id, datetime.fromisoformat(unlocked_at)) for module_id, unlocked_at in found.unlocks
        ),
        achievements=tuple(
            Achievement(achievement_id, current, required, completed, _time(at))
            for achievement_id, current, required, completed, at in found.achievements
        ),
        certificate=certificate_of(found),
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _get(b: StatementBuilder) -> None:
    b.report(
        select(
            *_STUDENT,
            tripwire_user_profile.c.completion_percentage,
            user_statistics.c.lessons_completed,
            user_statistics.c.total_time_spent,
            _progress().label("progress"),
            _video().label("video"),
            _unlocks().label("unlocks"),
            _achievements().label("achievements"),
            *(column.label(f"certificate_{column.name}") for column in CERTIFICATE_COLUMNS),
        )
        .select_from(tripwire_users)
        .outerjoin(tripwire_user_profile, tripwire_user_profile.c.user_id == _USER_ID)
        .outerjoin(user_statistics, user_statistics.c.user_id == _USER_ID)
        .outerjoin(certificates, and_(certificates.c.user_id == _USER_ID, certificates.c.revoked_at.is_(None)))
        .where(tripwire_users.c.user_id == param("user_id", sa.UUID))
    )


def _listed(rows: Select[Any], *order: Any) -> ScalarSelect[Any]:
    """The rows of a table as a JSON array of arrays, in order."""
    parts = func.jsonb_agg(aggregate_order_by(func.jsonb_build_array(*rows.selected_columns), *order))
    empty: ColumnElement[Any] = literal_column("'[]'::jsonb")
    return rows.with_only_columns(func.coalesce(parts, empty)).scalar_subquery()


def _progress() -> ScalarSelect[Any]:
    rows = (
        select(
            student_progress.c.lesson_id,
            student_progress.c.module_id,
            student_progress.c.status,
            student_progress.c.started_at,
            student_progress.c.completed_at,
        )
        .join(modules, modules.c.id == student_progress.c.module_id)
        .where(student_progress.c.user_id == _USER_ID)
    )
    return _listed(rows, modules.c.position, student_progress.c.lesson_id)


def _video() -> ScalarSelect[Any]:
    rows = (
        select(
            video_tracking.c.lesson_id,
            video_tracking.c.watched_segments,
            video_tracking.c.total_watched_seconds,
            video_tracking.c.video_duration_seconds,
            video_tracking.c.last_position_seconds,
            video_tracking.c.watch_percentage,
            video_tracking.c.is_qualified_for_completion,
        )
        .join(lessons, lessons.c.id == video_tracking.c.lesson_id)
        .join(modules, modules.c.id == lessons.c.module_id)
        .where(video_tracking.c.user_id == _USER_ID)
    )
    return _listed(rows, modules.c.position, video_tracking.c.lesson_id)


def _unlocks() -> ScalarSelect[Any]:
    rows = (
        select(module_unlocks.c.module_id, module_unlocks.c.unlocked_at)
        .join(modules, modules.c.id == module_unlocks.c.module_id)
        .where(module_unlocks.c.user_id == _USER_ID)
    )
    return _listed(rows, modules.c.position, module_unlocks.c.module_id)


def _achievements() -> ScalarSelect[Any]:
    earned = user_achievements.c
    rows = select(
        earned.achievement_id, earned.current_value, earned.required_value, earned.is_completed, earned.completed_at
    ).where(earned.user_id == _USER_ID)
    return _listed(rows, func.array_position(array(ACHIEVEMENTS), earned.achievement_id))


_GET = FlowStatement("get_student", _get, _decode_journey)
