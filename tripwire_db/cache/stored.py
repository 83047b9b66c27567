"""What is stored in Redis: rows as JSON, exact to the last digit, and believed only if every word can be ours."""

import json
import time
from dataclasses import asdict
from decimal import Decimal
from uuid import UUID

from tripwire_db.results import LeaderboardRow

Rows = list[LeaderboardRow]

SCHEMA_VERSION = 1
"""Of what is stored; part of the key too, so that two versions of this package do not overwrite each other."""
CLOCK_SKEW_SECONDS = 5.0
"""How far in the future a stored time may lie before it is taken for a lie."""


class CorruptEntry(Exception):
    """Redis holds, or says, what we never stored."""


def dump(key: str, at: float, rows: Rows) -> str:
    """The rows under this key as of `at`, the seconds since 1970 when their query began."""
    exact = [
        {name: str(value) if isinstance(value, (UUID, Decimal)) else value for name, value in asdict(row).items()}
        for row in rows
    ]
    return json.dumps({"version": SCHEMA_VERSION, "key": key, "at": at, "rows": exact})


def load(key: str, stored: bytes, ttl: float) -> Rows | None:
    """The rows in what Redis holds, if every word of it can be ours; None where they are past their time.

    Redis forgets them in time by itself; but then its clock, or whoever took the end off the key, need not be right.
    """
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
        found = [_row(**row) for row in rows]
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, AttributeError) as error:
        raise CorruptEntry(type(error).__name__) from None
    return found if age < ttl else None


def _row(
    *,
    manager_id: str,
    manager_name: str | None,
    email: str | None,
    total_students: int,
    active_students: int,
    completed_students: int,
    total_revenue: str,
    avg_completion_rate: str,
) -> LeaderboardRow:
    counts = (total_students, active_students, completed_students)
    amounts = (Decimal(total_revenue), Decimal(avg_completion_rate))
    if not (
        all(type(text) is str for text in (manager_id, total_revenue, avg_completion_rate))
        and all(text is None or type(text) is str for text in (manager_name, email))
        and all(type(count) is int and count >= 0 for count in counts)
        and all(amount.is_finite() for amount in amounts)
    ):
        raise TypeError
    return LeaderboardRow(UUID(manager_id), manager_name, email, *counts, *amounts)
