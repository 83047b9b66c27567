"""The five aggregations, as flows that call their SQL functions; what they count is written there, in `alembic/sql/`.

Days and months are those of an IANA time zone, revenue is in KZT and counts every student sold, blocked ones too.
The functions check their caller; a backend's connection may ask about anyone. `today` is the server's, whatever clock
a repository was given.
"""

from dataclasses import fields
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, DateTime, Integer, Select, Uuid, func, select

from tripwire_db.engine.statement import Decode, Flow, FlowStatement, param
from tripwire_db.errors import InvalidInput
from tripwire_db.results import Activity, LeaderboardRow, ManagerStats, SalesDay
from tripwire_db.validation import parse_integer, parse_text, parse_uuid

T = TypeVar("T")

DEFAULT_TIME_ZONE = "Asia/Almaty"
MAX_LIMIT = 1000
MAX_DAYS_BACK = 3660
"""Ten years and a little."""
_LONGEST_TIME_ZONE = 64


def get_sales_leaderboard(*, limit: int = 10) -> Flow[list[LeaderboardRow]]:
    """The sellers by students, then revenue, both falling, then id.

    Every sales_manager is listed, with zeros where they sold nothing, and whoever else sold a student.

    Args:
        limit: at most so many rows, 1–1000.

    Raises:
        InvalidInput: `limit` is out of range.

    Example:
        >>> for row in database.run(get_sales_leaderboard(limit=3)):
        ...     print(row.manager_name, row.total_students, row.total_revenue)
    """
    return _LEADERBOARD.flow(limit=parse_integer("limit", limit, least=1, most=MAX_LIMIT))


def get_sales_chart_data(
    *, manager_id: UUID | str, days_back: int = 30, time_zone: str = DEFAULT_TIME_ZONE
) -> Flow[list[SalesDay]]:
    """A manager's sales of each of the last days, today and days without sales included, newest first.

    Args:
        manager_id: whose sales; an unknown manager's days are all zero.
        days_back: so many days, and so many rows, 1–3660.
        time_zone: an IANA name; its midnights part the days.

    Raises:
        InvalidInput: an argument is out of range, or the server knows no such time zone.

    Example:
        >>> today, *earlier = database.run(get_sales_chart_data(manager_id=manager_id, days_back=7))
    """
    return _CHART.flow(
        manager_id=parse_uuid("manager_id", manager_id),
        days_back=parse_integer("days_back", days_back, least=1, most=MAX_DAYS_BACK),
        time_zone=parse_text("time_zone", time_zone, longest=_LONGEST_TIME_ZONE),
    )


def get_manager_stats(*, manager_id: UUID | str, time_zone: str = DEFAULT_TIME_ZONE) -> Flow[ManagerStats]:
    """A manager's totals, counted as in the leaderboard, and those of the current month.

    Args:
        manager_id: whose totals; an unknown manager's are zero.
        time_zone: an IANA name; the month begins at its midnight.

    Raises:
        InvalidInput: no UUID, or the server knows no such time zone.

    Example:
        >>> stats = database.run(get_manager_stats(manager_id=manager_id))
        >>> print(f"{stats.students_this_month} students, {stats.revenue_this_month} KZT this month")
    """
    return _STATS.flow(
        manager_id=parse_uuid("manager_id", manager_id),
        time_zone=parse_text("time_zone", time_zone, longest=_LONGEST_TIME_ZONE),
    )


def get_manager_activity(
    *, manager_id: UUID | str, limit: int = 50, before: Activity | None = None
) -> Flow[list[Activity]]:
    """A page of what a manager did, newest first; ids break ties, so pages neither lose nor repeat a row.

    Args:
        manager_id: whose log; an unknown manager's is empty.
        limit: at most so many rows, 1–1000.
        before: the last row of the page before; None begins at the newest.

    Raises:
        InvalidInput: no UUID, `limit` is out of range, or `before` is no `Activity`.

    Example:
        >>> page = database.run(get_manager_activity(manager_id=manager_id))
        >>> while page:
        ...     page = database.run(get_manager_activity(manager_id=manager_id, before=page[-1]))
    """
    if before is not None and not isinstance(before, Activity):
        raise InvalidInput("before must be the last Activity of the page before, or None")
    return _ACTIVITY.flow(
        manager_id=parse_uuid("manager_id", manager_id),
        limit=parse_integer("limit", limit, least=1, most=MAX_LIMIT),
        before=None if before is None else before.created_at,
        before_id=None if before is None else before.id,
    )


def check_video_qualification(*, user_id: UUID | str, lesson_id: int) -> Flow[bool]:
    """Whether a student has watched enough of a lesson: the flag that completing it reads.

    Args:
        user_id: the student; False for an unknown one.
        lesson_id: the lesson; False for an unknown one.

    Raises:
        InvalidInput: no UUID, or no whole number that fits an INTEGER.

    Example:
        >>> if database.run(check_video_qualification(user_id=user_id, lesson_id=67)):
        ...     print("may be completed")
    """
    return _QUALIFICATION.flow(user_id=parse_uuid("user_id", user_id), lesson_id=parse_integer("lesson_id", lesson_id))


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

_LEADERBOARD = _aggregation(
    "get_sales_leaderboard",
    _rows_of(func.public.rpc_get_sales_leaderboard(param("limit", Integer)), LeaderboardRow),
    decode=lambda rows, _: [LeaderboardRow(*row) for row in rows],
)

_CHART = _aggregation(
    "get_sales_chart_data",
    _rows_of(
        func.public.rpc_get_sales_chart_data(_MANAGER, param("days_back", Integer), param("time_zone")),
        SalesDay,
    ),
    decode=lambda rows, _: [SalesDay(*row) for row in rows],
)

_STATS = _aggregation(
    "get_manager_stats",
    _rows_of(func.public.rpc_get_manager_stats(_MANAGER, param("time_zone")), ManagerStats),
    decode=lambda rows, _: ManagerStats(*rows[0]),
)

_ACTIVITY = _aggregation(
    "get_manager_activity",
    _rows_of(
        func.public.rpc_get_manager_activity(
            _MANAGER, param("limit", Integer), param("before", DateTime(timezone=True)), param("before_id", Uuid)
        ),
        Activity,
        _MANAGER,
    ),
    decode=lambda rows, _: [Activity(*row) for row in rows],
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
