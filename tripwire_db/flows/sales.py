"""The five aggregations, as flows that call their SQL functions; what they count is written there, in `alembic/sql/`.

Days and months are those of an IANA time zone, revenue is in KZT and counts every student sold, blocked ones too.
The functions check their caller; a backend's connection may ask about anyone. `today` is the server's, whatever clock
a repository was given.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, Date, DateTime, Integer, Select, Text, Uuid, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from tripwire_db.choices import ACTION_TYPES, ActionType
from tripwire_db.engine.statement import Decode, Flow, FlowStatement, param
from tripwire_db.errors import InvalidInput
from tripwire_db.flows.shared.days import DEFAULT_TIME_ZONE, parse_sold_on
from tripwire_db.flows.shared.page import MAX_LIMIT, page_of, parse_place
from tripwire_db.results import Activity, LeaderboardRow, ManagerStats, Page, SalesDay
from tripwire_db.validation import (
    parse_choice,
    parse_integer,
    parse_optional_uuid,
    parse_uuid,
)

T = TypeVar("T")

MAX_DAYS_BACK = 3660
"""Ten years and a little."""


def get_sales_leaderboard(
    *, limit: int = 10, since: date | None = None, until: date | None = None, time_zone: str = DEFAULT_TIME_ZONE
) -> Flow[list[LeaderboardRow]]:
    """The sellers by students, then revenue, both falling, then id: `repository.get_sales_leaderboard`."""
    return _LEADERBOARD.flow(
        limit=parse_integer("limit", limit, least=1, most=MAX_LIMIT), **parse_sold_on(since, until, time_zone)
    )


def get_sales_chart_data(
    *,
    manager_id: UUID | str | None = None,
    days_back: int = 30,
    since: date | None = None,
    until: date | None = None,
    time_zone: str = DEFAULT_TIME_ZONE,
) -> Flow[list[SalesDay]]:
    """Sales day by day, newest first: `repository.get_sales_chart_data`."""
    return _CHART.flow(
        manager_id=parse_optional_uuid("manager_id", manager_id),
        days_back=parse_integer("days_back", days_back, least=1, most=MAX_DAYS_BACK),
        **parse_sold_on(since, until, time_zone),
    )


def get_manager_stats(
    *,
    manager_id: UUID | str | None = None,
    since: date | None = None,
    until: date | None = None,
    time_zone: str = DEFAULT_TIME_ZONE,
) -> Flow[ManagerStats]:
    """A manager's totals and those of the current month: `repository.get_manager_stats`."""
    return _STATS.flow(
        manager_id=parse_optional_uuid("manager_id", manager_id), **parse_sold_on(since, until, time_zone)
    )


def get_manager_activity(
    *,
    manager_id: UUID | str,
    limit: int = 50,
    before: Activity | str | None = None,
    action_types: Sequence[ActionType] | None = None,
    since: date | None = None,
    until: date | None = None,
    time_zone: str = DEFAULT_TIME_ZONE,
) -> Flow[Page[Activity]]:
    """A page of what a manager did, newest first: `repository.get_manager_activity`."""
    before_at, before_id = (None, None) if before is None else parse_place("before", before, Activity)
    return _ACTIVITY.flow(
        manager_id=parse_uuid("manager_id", manager_id),
        limit=parse_integer("limit", limit, least=1, most=MAX_LIMIT),
        before=before_at,
        before_id=before_id,
        action_types=None if action_types is None else _kinds(action_types),
        **parse_sold_on(since, until, time_zone),
    )


def check_video_qualification(*, user_id: UUID | str, lesson_id: int) -> Flow[bool]:
    """Whether a student has watched enough of a lesson: the flag that completing it reads.

    Args:
        user_id: the student; False for an unknown one.
        lesson_id: the lesson; False for an unknown one.

    Raises:
        InvalidInput: no UUID, or no whole number that fits an INTEGER.

    Examples:
        >>> if database.run(check_video_qualification(user_id=user_id, lesson_id=67)):
        ...     print("may be completed")
    """
    return _QUALIFICATION.flow(user_id=parse_uuid("user_id", user_id), lesson_id=parse_integer("lesson_id", lesson_id))


def _kinds(action_types: object) -> list[ActionType]:
    if not isinstance(action_types, list | tuple | set | frozenset) or not 0 < len(action_types) <= len(ACTION_TYPES):
        raise InvalidInput("action_types must be a list of kinds of action, or None", argument="action_types")
    return [parse_choice("action_types", kind, ACTION_TYPES) for kind in action_types]


def _aggregation(name: str, answer: Select[Any], decode: Decode[T]) -> FlowStatement[T]:
    """A statement that is one question to one function; it gives its rows in their order."""
    return FlowStatement(name, lambda b: b.report(answer), decode)


def _rows_of(function: Any, result: type[Any], *asked: BindParameter[Any]) -> Select[Any]:
    """A function's rows; a result's fields are their columns, then whatever was asked for, in this order."""
    own = [field.name for field in fields(result) if field.name not in {parameter.key for parameter in asked}]
    return select(
        *function.table_valued(*own, name="answer").c, *(parameter.label(parameter.key) for parameter in asked)
    )


_MANAGER = param("manager_id", Uuid)
_SINCE, _UNTIL, _ZONE = param("since", Date), param("until", Date), param("time_zone")

_LEADERBOARD = _aggregation(
    "get_sales_leaderboard",
    _rows_of(func.public.rpc_get_sales_leaderboard(param("limit", Integer), _SINCE, _UNTIL, _ZONE), LeaderboardRow),
    decode=lambda rows, _: [LeaderboardRow(*row) for row in rows],
)

_CHART = _aggregation(
    "get_sales_chart_data",
    _rows_of(
        func.public.rpc_get_sales_chart_data(_MANAGER, param("days_back", Integer), _ZONE, _SINCE, _UNTIL),
        SalesDay,
    ),
    decode=lambda rows, _: [SalesDay(*row) for row in rows],
)

_STATS = _aggregation(
    "get_manager_stats",
    _rows_of(func.public.rpc_get_manager_stats(_MANAGER, _ZONE, _SINCE, _UNTIL), ManagerStats),
    decode=lambda rows, _: ManagerStats(*rows[0]),
)

_ACTIVITY = _aggregation(
    "get_manager_activity",
    _rows_of(
        func.public.rpc_get_manager_activity(
            _MANAGER,
            param("limit", Integer),
            param("before", DateTime(timezone=True)),
            param("before_id", Uuid),
            param("action_types", ARRAY(Text)),
            _SINCE,
            _UNTIL,
            _ZONE,
        ),
        Activity,
        _MANAGER,
    ),
    decode=lambda rows, asked: page_of([Activity(*row) for row in rows], asked["limit"]),
)

_QUALIFICATION = _aggregation(
    "check_video_qualification",
    select(
        func.public.rpc_check_video_qualification(param("user_id", Uuid), param("lesson_id", Integer)).label(
            "qualified"
        )
    ),
    decode=lambda rows, _: bool(rows[0].qualified),
)
