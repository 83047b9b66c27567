"""Reading students: one whole journey, or a page of many."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array

from tripwire_db.choices import STUDENT_STATUSES, Status
from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.errors import NotFound
from tripwire_db.flows.shared.certificate import COLUMNS as CERTIFICATE_COLUMNS
from tripwire_db.flows.shared.certificate import certificate_of
from tripwire_db.flows.shared.context import last_seen_at
from tripwire_db.flows.shared.days import DEFAULT_TIME_ZONE, parse_sold_on, range_of_days
from tripwire_db.flows.shared.page import MAX_LIMIT, page_of, parse_place
from tripwire_db.results import (
    Achievement,
    LessonProgress,
    Page,
    Student,
    StudentJourney,
    UnlockedModule,
    VideoTracking,
)
from tripwire_db.tables import (
    ACHIEVEMENTS,
    MODULES_IN_COURSE,
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
from tripwire_db.validation import (
    parse_choice,
    parse_flag,
    parse_integer,
    parse_optional_uuid,
    parse_text,
    parse_uuid,
)
from tripwire_db.video import parse_segments

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
    last_seen_at(_USER_ID).label("last_seen_at"),
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
    modules_completed: int | None = None,
    certificate: bool | None = None,
    welcome_email_sent: bool | None = None,
    since: date | None = None,
    until: date | None = None,
    time_zone: str = DEFAULT_TIME_ZONE,
    limit: int = 20,
    after: Student | str | None = None,
    count: bool = False,
) -> Flow[Page[Student]]:
    """A page of students, newest first: `repository.list_students`."""
    asked: dict[str, Any] = {}
    filters: list[str] = []
    if manager_id is not None:
        asked["manager_id"] = parse_optional_uuid("manager_id", manager_id)
        filters.append("manager_id")
    if status is not None:
        filters.append(parse_choice("status", status, STUDENT_STATUSES))
    if search is not None:
        text = parse_text("search", search, longest=LONGEST_SEARCH)
        asked["email_like"] = f"%{_escaped(text.lower())}%"
        asked["name_matches"] = _in_any_case(text)
        filters.append("search")
    if modules_completed is not None:
        asked["modules_completed"] = parse_integer(
            "modules_completed", modules_completed, least=0, most=MODULES_IN_COURSE
        )
        filters.append("modules_completed")
    for name, flag in (("certificate", certificate), ("welcome_email_sent", welcome_email_sent)):
        if flag is not None:
            filters.append(name if parse_flag(name, flag) else f"no_{name}")
    days = parse_sold_on(since, until, time_zone)
    if days["since"] or days["until"]:
        asked |= days
        filters.append("days")
    if after is not None:
        asked["after_created_at"], asked["after_id"] = parse_place("after", after, Student)
        filters.append("after")
    if parse_flag("count", count):
        filters.append("count")
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


FILTERS = (
    ("manager_id",),
    STUDENT_STATUSES,
    ("search",),
    ("modules_completed",),
    ("certificate", "no_certificate"),
    ("welcome_email_sent", "no_welcome_email_sent"),
    ("days",),
    ("after",),
    ("count",),
)
"""What a list may be filtered by, as `list_statement` takes it: of each group one, in this order."""


@cache
def list_statement(*filters: str) -> FlowStatement[Page[Student]]:
    """The statement of `list_students` for a combination of filters, so that the planner sees which index serves it."""

    def build(b: StatementBuilder) -> None:
        wanted = _wanted(b, filters)
        page = select(*_STUDENT).where(*wanted)
        if "after" in filters:
            place = tuple_(param("after_created_at", sa.DateTime(timezone=True)), param("after_id", sa.UUID))
            page = page.where(tuple_(tripwire_users.c.created_at, tripwire_users.c.id) < place)
        page = page.order_by(tripwire_users.c.created_at.desc(), tripwire_users.c.id.desc())
        page = page.limit(param("limit", sa.BigInteger))
        if "count" not in filters:
            b.report(page)
            return
        total = b.gate("total", select(func.count().label("total")).select_from(tripwire_users).where(*wanted))
        rows = b.gate("page", page)
        # One row at least, so that an empty page has its total, too.
        b.report(
            select(*rows.c, total.c.total)
            .select_from(total)
            .outerjoin(rows, true())
            .order_by(rows.c.created_at.desc(), rows.c.id.desc())
        )

    return FlowStatement("list_students", build, _decode_page)


def _wanted(b: StatementBuilder, filters: Sequence[str]) -> list[ColumnElement[bool]]:
    """The conditions of a combination of filters."""
    student = tripwire_users.c
    certified = exists().where(certificates.c.user_id == student.user_id, certificates.c.revoked_at.is_(None))
    conditions: dict[str, ColumnElement[bool]] = {
        "manager_id": student.granted_by == param("manager_id", sa.UUID),
        # Constants: a partial index is only taken where its condition can be seen.
        **{status: student.status == status for status in STUDENT_STATUSES},
        "search": or_(student.email.like(param("email_like")), student.full_name.regexp_match(param("name_matches"))),
        "modules_completed": student.modules_completed == param("modules_completed", sa.Integer),
        "certificate": certified,
        "no_certificate": ~certified,
        "welcome_email_sent": student.welcome_email_sent,
        "no_welcome_email_sent": ~student.welcome_email_sent,
    }
    wanted = [conditions[name] for name in filters if name in conditions]
    if "days" in filters:
        days = range_of_days(b)
        begins, ends = select(days.c.begins).scalar_subquery(), select(days.c.ends).scalar_subquery()
        # Scalars and no join: so the index gives the rows of these days in their order. The first is asked whether there
        # are rows or not, so that a zone that the server does not know is refused beside an empty table, too.
        wanted += [begins.is_not(None), student.created_at >= begins, student.created_at < ends]
    return wanted


def _decode_page(rows: Sequence[Row], asked: Parameters) -> Page[Student]:
    found = [_student_of(row) for row in rows if row.id is not None]
    return page_of(found, asked["limit"], getattr(rows[0], "total", None) if rows else None)


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
