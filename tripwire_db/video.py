"""What a player reports and what counts: segments, and the policy that turns them into credit.

Times are seconds at the boundary and whole milliseconds inside, rounded once, here.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from tripwire_db.errors import InvalidInput

MAX_SEGMENTS = 200
"""More than this in one call is refused: a player that reports every ten seconds has a few."""

# Larger numbers would overflow int4 milliseconds (596 hours) long before any video ends.
_MAX_MS = 2**31 - 1
# JSON numbers have no largest.
_FLOAT_MAX = 1e308


class Segment(NamedTuple):
    """A stretch of video that was played: `start` ≤ t < `end`, in seconds, fractions allowed."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """How reported time becomes counted time.

    A call may claim any stretch; what counts cannot grow faster than a person can watch.

    Attributes:
        threshold: the part of the lesson that qualifies it for completion, 0 < threshold ≤ 1.
        gap_seconds: gaps of at most this are closed, in seconds.
        max_rate: how many seconds of video may count per second that passed, > 0; None switches the limit off.
        first_grant_seconds: what a first call may count at once, in seconds.
        idle_cap_seconds: at most so much of the time since the last call adds to the allowance, in seconds.

    Examples:
        >>> WatchPolicy(max_rate=None).threshold
        0.8
    """

    threshold: float = 0.80
    gap_seconds: float = 1.0
    max_rate: float | None = 2.0
    first_grant_seconds: float = 30.0
    idle_cap_seconds: float = 120.0

    def __post_init__(self) -> None:
        _require("threshold", 0 < _finite("threshold", self.threshold) <= 1, "threshold must be above 0 and at most 1")
        for name in ("gap_seconds", "first_grant_seconds", "idle_cap_seconds"):
            _require(name, 0 <= _finite(name, getattr(self, name)) <= 86_400, f"{name} must be 0 to 86400 seconds")
        if self.max_rate is not None:
            _require(
                "max_rate", 0 < _finite("max_rate", self.max_rate) <= 1000, "max_rate must be above 0 and at most 1000"
            )


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, rounded half to even.

    Examples:
        >>> milliseconds(405.25)
        405250
    """
    return round(seconds * 1000)


def segments_in_ms(segments: object) -> tuple[list[int], list[int]]:
    """Check what a player sent; give starts and ends in whole milliseconds, clipped to what the database can hold.

    Raises:
        InvalidInput: not pairs of finite numbers, start < 0, end ≤ start, or more than 200 segments.
    """
    if isinstance(segments, str | bytes | dict) or not isinstance(segments, Iterable):
        raise _refused("segments", "segments must be a list of (start, end) pairs in seconds")
    starts: list[int] = []
    ends: list[int] = []
    for index, segment in enumerate(segments):
        if index >= MAX_SEGMENTS:
            raise _refused(
                "segments", f"more than {MAX_SEGMENTS} segments in one call; merge them or send them in several calls"
            )
        if isinstance(segment, str | bytes | dict) or not isinstance(segment, Iterable):
            raise _refused("segments", f"segment {index} must be a pair (start, end) in seconds")
        pair = tuple(islice(segment, 3))  # what is offered may never end
        if len(pair) != 2:
            raise _refused("segments", f"segment {index} must be a pair (start, end) in seconds")
        start, end = (_finite("segments", value, what=f"segment {index}") for value in pair)
        if start < 0:
            raise _refused("segments", f"segment {index} starts before 0")
        if end <= start:
            raise _refused("segments", f"segment {index} ends before it starts")
        if end * 1000 > _MAX_MS:
            raise _refused("segments", f"segment {index} ends past the lesson's duration")
        starts.append(milliseconds(start))
        ends.append(milliseconds(end))
    return starts, ends


def stored_form(starts: Iterable[int], ends: Iterable[int]) -> str:
    """Stretches in milliseconds as `watched_segments` holds them: JSON, in seconds, exact.

    Examples:
        >>> stored_form([0, 10_500], [1000, 12_345])
        '[{"start": 0.000, "end": 1.000}, {"start": 10.500, "end": 12.345}]'
    """
    parts = (
        f'{{"start": {start // 1000}.{start % 1000:03}, "end": {end // 1000}.{end % 1000:03}}}'
        for start, end in zip(starts, ends, strict=True)
    )
    return f"[{', '.join(parts)}]"


def parse_segments(stored: Iterable[Any]) -> tuple[Segment, ...]:
    """Segments as the database stores them: objects with `start` and `end` in seconds.

    Older backends stored what they liked; what is no such object is left out.
    """
    return tuple(
        Segment(float(part["start"]), float(part["end"]))
        for part in stored
        if isinstance(part, Mapping) and _is_number(part.get("start")) and _is_number(part.get("end"))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _FLOAT_MAX


def parse_position(value: object) -> int:
    """Where a player stands, in whole seconds; past the end is the end, which the database knows.

    Raises:
        InvalidInput: no finite number, or below 0.
    """
    number = _finite("position", value)
    _require("position", number >= 0, "position must be 0 or more seconds")
    return int(min(number, _MAX_MS / 1000))


def parse_client_duration(value: object) -> float | None:
    """What a player says of the duration, in seconds; NaN where it is no finite positive number, None where it is silent.

    Players report Infinity, NaN or 0 before they know; that is worth a warning, not a refusal.

    Raises:
        InvalidInput: no number at all.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused("client_duration", f"client_duration must be a number of seconds, not {type(value).__name__}")
    number = _float(value)
    return number if 0 < number < math.inf else math.nan


def _finite(argument: str, value: object, *, what: str = "") -> float:
    # A bool is an int to Python and a string might parse: neither is a time that a player measured.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(argument, f"{what or argument} must be a number of seconds, not {type(value).__name__}")
    number = _float(value)
    if not math.isfinite(number):
        raise _refused(argument, f"{what or argument} must be finite")
    return number


def _float(value: int | float) -> float:  # noqa: PYI041 - which of the two it is matters here
    """The number itself, whatever methods a subclass has; one that no float can hold is infinite."""
    try:
        return float.__float__(value) if isinstance(value, float) else int.__float__(value)
    except OverflowError:
        return math.inf


def _require(argument: str, condition: bool, message: str) -> None:
    if not condition:
        raise _refused(argument, message)


def _refused(argument: str, message: str) -> InvalidInput:
    return InvalidInput(message, argument=argument)
