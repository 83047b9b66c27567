"""What video tracking means, said in plain Python, as slowly as it likes: a bitmap of milliseconds."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

GAP_MS = 1000
Range = tuple[int, int]


def closed(ranges: Iterable[Range], duration_ms: int, gap_ms: int = GAP_MS) -> list[Range]:
    """The set of milliseconds in any of the ranges, its gaps of at most `gap_ms` closed, as ranges."""
    played = bytearray(duration_ms)
    for start, end in ranges:
        length_ms = min(end, duration_ms) - start
        if length_ms > 0:
            played[start : start + length_ms] = b"\x01" * length_ms
    for gap in re.finditer(rb"(?<=\x01)\x00+(?=\x01)", bytes(played)):
        if len(gap[0]) <= gap_ms:
            played[gap.start() : gap.end()] = b"\x01" * len(gap[0])
    return [(run.start(), run.end()) for run in re.finditer(rb"\x01+", bytes(played))]


def length(ranges: Iterable[Range]) -> int:
    return sum(end - start for start, end in ranges)


@dataclass
class Model:
    """One row of `video_tracking`, as docs/explanation/video.md tells what becomes of it."""

    duration_ms: int
    threshold: float = 0.80
    gap_ms: int = GAP_MS
    max_rate: float | None = 2.0
    first_grant_ms: int = 30_000
    idle_cap_ms: int = 120_000
    reported: list[Range] = field(default_factory=list)
    counted: int = 0
    allowance: int = 0
    last_seen: int | None = None
    qualified: bool = False

    @property
    def ranges(self) -> list[Range]:
        return closed(self.reported, self.duration_ms, self.gap_ms)

    @property
    def unique(self) -> int:
        return length(self.ranges)

    @property
    def percentage(self) -> int:
        return self.counted * 100 // self.duration_ms

    def call(self, segments: Iterable[Range], at: int) -> int:
        """One heartbeat at a time in milliseconds; gives what it newly counts."""
        self.reported += segments
        if self.last_seen is None:
            self.allowance += self.first_grant_ms
            self.last_seen = at
        else:
            since = max(0, at - self.last_seen)
            self.allowance += math.floor(min(since, self.idle_cap_ms) * (self.max_rate or 0))
            self.last_seen = max(self.last_seen, at)
        allowed = self.unique if self.max_rate is None else self.allowance
        before = self.counted
        self.counted = max(self.counted, min(self.unique, allowed))
        self.qualified = self.qualified or self.counted >= self.duration_ms * self.threshold
        return self.counted - before
