"""How contestants are measured: all in one run, interleaved, warm-up left out, medians and quartiles, results checked."""

import statistics
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

WARM_UP = 8
"""Runs of each contestant that are not counted: psycopg prepares a statement at its sixth."""
ROUNDS = 3
"""So often a ratio is measured."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class Times:
    """The milliseconds that a contestant took."""

    runs: list[float]

    @property
    def median(self) -> float:
        """Half of the runs were faster."""
        return statistics.median(self.runs)

    @property
    def calm(self) -> float:
        """The tenth percentile: a tenth of the runs were faster, those that the machine's other work disturbed least."""
        return statistics.quantiles(self.runs, n=10, method="inclusive")[0]

    @property
    def quartiles(self) -> str:
        """Between which two values the middle half lies."""
        low, _, high = statistics.quantiles(self.runs, n=4)
        return f"{figure(low)} – {figure(high)}"


@dataclass(frozen=True)
class Bound:
    """A value that was measured, and what it is held to."""

    what: str
    value: float
    limit: float
    unit: str = "×"
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the value is within its limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass
class Section:
    """A part of the page: what was compared, a table, perhaps a picture, and the bounds that follow from it."""

    title: str
    text: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    bars: list[tuple[str, float]] = field(default_factory=list)
    unit: str = "ms"
    more: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    """More pictures of the same contestants, each by what it adds to the title."""
    bounds: list[Bound] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def attempt(title: str, measure: Callable[[], Section]) -> Section:
    """What was measured, or a section that tells why it could not be; the rest is measured all the same."""
    try:
        return measure()
    except Exception as failure:  # noqa: BLE001 - told on the page, and by the exit code
        traceback.print_exc()
        return Section(title, "", (), failures=[f"{type(failure).__name__}: {failure}"])


def figure(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def timed(act: Callable[[], Any]) -> float:
    """Milliseconds that a call takes."""
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


Contestant = Callable[[], Callable[[], Any]]
"""Gets ready, which is not measured, and gives the call that is."""


def interleaved(contestants: Mapping[str, Contestant], runs: int, block: int = 4) -> dict[str, Times]:
    """A few of each, then a few of each again: what else the machine does disturbs all alike, and caches stay warm."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    while min(map(len, found.values())) < WARM_UP + runs:
        for name, prepare in contestants.items():
            calls = [prepare() for _ in range(block)]
            found[name] += [timed(call) for call in calls]
    return {name: Times(times[WARM_UP:]) for name, times in found.items()}


def middle_of(measure: Callable[[], tuple[Bound, Row]]) -> tuple[Bound, Row]:
    """The middle one of three measurements: the best would hold by chance, where other work disturbs a rival."""
    return sorted((measure() for _ in range(ROUNDS)), key=lambda found: found[0].value)[ROUNDS // 2]
