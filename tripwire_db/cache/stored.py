"""What is stored in Redis: rows as JSON, exact to the last digit, and believed only if every word can be ours."""

import json
import time
from dataclasses import asdict
from decimal import Decimal
from uuid import UUID

from tripwire_db.results import LeaderboardRow

Rows = list[LeaderboardRow]

SCHEMA_VERSION = 2
"""Of what is stored; part of the key too, so that two versions of this package do not overwrite each other."""
CLOCK_SKEW_SECONDS = 5.0
"""How far in the future a stored time may lie before it is taken for a lie."""

BYTES_PER_ROW = 10_000
"""More than the longest name and e-mail take in JSON; what is larger is neither stored nor read."""
_MOST_ROWS = 1000
_MOST_STUDENTS = 2**63 - 1  # what a bigint holds
_MOST_MONEY = Decimal(10**32)  # so many students at the highest price
_LONGEST_AMOUNT = 100


class CorruptEntry(Exception):
    """Redis holds, or says, what we never stored."""


def most_rows(key: str) -> int:
    """The limit that stands in a key made by `leaderboard_key`; of any other, the greatest there is."""
    limit = key.split(":")[1:2]
    return min(int(limit[0]), _MOST_ROWS) if limit and limit[0].isdecimal() and len(limit[0]) < 9 else _MOST_ROWS


def most_bytes(key: str) -> int:
    """How much an answer under this key may take."""
    return BYTES_PER_ROW * (most_rows(key) + 1)


def dump(key: str, at: float, rows: Rows) -> str:
    """The rows under this key as of `at`, the seconds since 1970 when their query began; empty if they are too large."""
    exact = [
        {name: str(value) if isinstance(value, (UUID, Decimal)) else value for name, value in asdict(row).items()}
        for row in rows
    ]
    stored = json.dumps({"version": SCHEMA_VERSION, "key": key, "at": at, "rows": exact})
    return stored if len(stored) <= most_bytes(key) else ""


def load(key: str, stored: bytes, ttl: float) -> Rows | None:
    """The rows in what Redis holds, if every word of it can be ours; None where they are past their time.

    Redis forgets them in time by itself; but then its clock, or whoever took the end off the key, need not be right.
    """
    if not stored or len(stored) > most_bytes(key):
        raise CorruptEntry("empty or too large")
    try:
        document = json.loads(stored)
        version, named, at, rows = (document[name] for name in ("version", "key", "at", "rows"))
        if version != SCHEMA_VERSION:
            raise CorruptEntry("another schema version")
        if named != key:
            raise CorruptEntry("an answer to another question")
        age = time.time() - at
        if not age >= -CLOCK_SKEW_SECONDS:
            raise CorruptEntry("an answer from the future")
        if type(rows) is not list or len(rows) > most_rows(key):
            raise CorruptEntry("more rows than were asked for")
        found = [_row(**row) for row in rows]
        ids = [row["manager_id"] for row in rows if row["manager_id"] is not None]
        if len(set(ids)) < len(ids):
            raise CorruptEntry("a seller twice")
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, AttributeError) as error:
        raise CorruptEntry(type(error).__name__) from None
    return found if age < ttl else None


def _row(
    *,
    manager_id: str | None,
    manager_name: str | None,
    email: str | None,
    total_students: int,
    active_students: int,
    completed_students: int,
    total_revenue: str,
    avg_completion_rate: str,
    students_this_month: int,
    revenue_this_month: str,
) -> LeaderboardRow:
    counts = (total_students, active_students, completed_students, students_this_month)
    if not (
        all(text is None or type(text) is str for text in (manager_id, manager_name, email))
        and all(type(count) is int and 0 <= count <= _MOST_STUDENTS for count in counts)
        and active_students + completed_students <= total_students
    ):
        raise TypeError
    return LeaderboardRow(
        manager_id=None if manager_id is None else UUID(manager_id),
        manager_name=manager_name,
        email=email,
        total_students=total_students,
        active_students=active_students,
        completed_students=completed_students,
        total_revenue=_amount(total_revenue, _MOST_MONEY),
        avg_completion_rate=_amount(avg_completion_rate, Decimal(100)),
        students_this_month=students_this_month,
        revenue_this_month=_amount(revenue_this_month, _MOST_MONEY),
    )


def _amount(text: object, most: Decimal) -> Decimal:
    """Money or a percentage, as PostgreSQL writes it; of a text without end not a digit is read."""
    if type(text) is not str or len(text) > _LONGEST_AMOUNT:
        raise TypeError
    amount = Decimal(text)
    if not (amount.is_finite() and 0 <= amount <= most):
        raise ValueError
    return amount
