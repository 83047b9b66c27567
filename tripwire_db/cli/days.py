"""Which days a command looks at: dates, or a period that ends with the server's today."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from tripwire_db.errors import InvalidInput
from tripwire_db.validation import parse_choice

PERIODS = ("today", "yesterday", "week", "month", "all")


class Days(NamedTuple):
    """The first and the last day, both included; None where it is open."""

    since: date | None
    until: date | None


def asked(since: str | None, until: str | None, period: str | None, today: Callable[[], date]) -> Days:
    """The days of `--since`, `--until` and `--period`.

    Args:
        since: YYYY-MM-DD, or None.
        until: YYYY-MM-DD, or None.
        period: today, yesterday, week (since Monday), month (since the 1st) or all; None where dates are given.
        today: asks the server, whose zones are those of the figures.

    Raises:
        InvalidInput: no date, no period, or both.
    """
    if period is None:
        return Days(_date("--since", since), _date("--until", until))
    if since is not None or until is not None:
        raise InvalidInput("give --period or --since and --until, not both")
    name = parse_choice("--period", period, PERIODS)
    if name == "all":
        return Days(None, None)
    last = today()
    if name == "yesterday":
        last -= timedelta(days=1)
    first = {"week": last - timedelta(days=last.weekday()), "month": last.replace(day=1)}.get(name, last)
    return Days(first, last)


def _date(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:
        raise InvalidInput(f"{name} must be a date, as in 2026-03-31")
    return found
