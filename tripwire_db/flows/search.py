"""Searching by JSON containment: what the two GIN indexes are for."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select, union_all
from sqlalchemy.dialects.postgresql import JSONB

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.flows.shared.activity import activity_of, jsonb
from tripwire_db.results import Activity
from tripwire_db.tables import sales_activity_log, video_tracking
from tripwire_db.validation import parse_details, parse_integer, parse_optional_uuid
from tripwire_db.video import Segment, segments_in_ms

MAX_LIMIT = 1000


def search_activity(
    *, details: Mapping[str, Any], manager_id: UUID | str | None = None, limit: int = 50
) -> Flow[list[Activity]]:
    """Rows of the log whose details contain these, newest first.

    Args:
        details: a JSON object, as in `{"email": "aigerim@example.com"}`; `{}` is contained in every row.
        manager_id: only this manager's rows.
        limit: at most so many, 1–1000.

    Raises:
        InvalidInput: an argument that cannot be right.

    Examples:
        >>> [row.action_type for row in repository.search_activity(details={"lesson_id": 67})]
        ['lesson_completed']
    """
    manager = parse_optional_uuid("manager_id", manager_id)
    parameters: dict[str, Any] = {
        "details": jsonb(parse_details("details", details)),
        "limit": parse_integer("limit", limit, least=1, most=MAX_LIMIT),
    }
    if manager is not None:
        parameters["manager_id"] = manager
    return search_statement("manager_id" in parameters).flow(**parameters)


def search_watched_segments(
    *, lesson_id: int, segment: Segment | tuple[float, float], limit: int = 50
) -> Flow[list[UUID]]:
    """Students whose set for a lesson holds exactly this segment, among those qualified to complete it.

    The set is the one stored when the video qualified, and again on completion: what is watched between and afterwards is
    not searched. Where none was stored then, the set itself is. Exact containment is what the index serves; who watched a given second is another question.

    Args:
        lesson_id: the lesson.
        segment: `Segment(start, end)` or a pair, in seconds.
        limit: at most so many, 1–1000; by id.

    Raises:
        InvalidInput: an argument that cannot be right.

    Examples:
        >>> repository.search_watched_segments(lesson_id=67, segment=(0, 1440))
        [UUID('…')]
    """
    starts, ends = segments_in_ms([segment])
    return _SEARCH_SEGMENTS.flow(
        lesson_id=parse_integer("lesson_id", lesson_id),
        segment=jsonb([{"start": starts[0] / 1000, "end": ends[0] / 1000}]),
        limit=parse_integer("limit", limit, least=1, most=MAX_LIMIT),
    )


def _activities(rows: Sequence[Row], asked: Parameters) -> list[Activity]:  # noqa: ARG001
    return [activity_of(row) for row in rows]


@cache
def search_statement(of_manager: bool) -> FlowStatement[list[Activity]]:
    """The statement of `search_activity`, of one manager's rows or of all."""
    log = sales_activity_log.c
    found = (
        select(log.id, log.manager_id, log.action_type, log.target_user_id, log.details, log.created_at)
        .where(log.details.contains(param("details", JSONB)))
        .order_by(log.created_at.desc(), log.id.desc())
        .limit(param("limit", sa.BigInteger))
    )
    if of_manager:
        found = found.where(log.manager_id == param("manager_id", sa.UUID))
    return FlowStatement("search_activity", lambda b: b.report(found), _activities)


def _search_segments(b: StatementBuilder) -> None:
    """Two arms, each with the index that serves it; see `tables.video_tracking`."""
    video, segment = video_tracking.c, param("segment", JSONB)
    qualified = select(video.user_id).where(
        video.lesson_id == param("lesson_id", sa.Integer), video.is_qualified_for_completion
    )
    found = union_all(
        qualified.where(video.qualified_segments.contains(segment)),
        qualified.where(video.qualified_segments.is_(None), video.watched_segments.contains(segment)),
    ).subquery("found")
    b.report(select(found.c.user_id).order_by(found.c.user_id).limit(param("limit", sa.BigInteger)))


_SEARCH_SEGMENTS = FlowStatement(
    "search_watched_segments", _search_segments, lambda rows, _: [row.user_id for row in rows]
)
