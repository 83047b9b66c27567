"""Days of a time zone: how callers name them, and when they begin and end."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CTE, func, select

from tripwire_db.engine.statement import StatementBuilder, param
from tripwire_db.validation import parse_days, parse_text

DEFAULT_TIME_ZONE = "Asia/Almaty"
_LONGEST_TIME_ZONE = 64


def parse_sold_on(since: date | None, until: date | None, time_zone: str) -> dict[str, Any]:
    """The parameters since, until and time_zone; which zones there are, the server knows.

    Raises:
        InvalidInput: no dates, `since` is after `until`, or no name of a zone.
    """
    first, last = parse_days(since, until)
    return {
        "since": first,
        "until": last,
        "time_zone": parse_text("time_zone", time_zone, longest=_LONGEST_TIME_ZONE),
    }


def range_of_days(b: StatementBuilder) -> CTE:
    """One row: when the days from `since` to `until` begin, and when they are over.

    The server says so, by the rules that leaderboard and chart go by, and no client whose time zones may be older.
    """
    answer = func.tripwire.range_of_days(param("since", sa.Date), param("until", sa.Date), param("time_zone"))
    days = answer.table_valued("begins", "ends", name="answer")
    return b.gate("days", select(days.c.begins, days.c.ends))
