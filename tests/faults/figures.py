"""The figures of a run: faults tried, survived, lost; a table at its end, whichever workers ran them."""

from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter

_NAME = "figures of faults"
_HEADINGS = ("faults", "tried", "survived", "lost")


class Figures:
    """What one test tried. Made by the fixture `figures`; a plugin adds them all up."""

    def __init__(self, counts: dict[str, list[int]]) -> None:
        self._counts = counts

    def survived(self, what: str, times: int = 1) -> None:
        """After so many faults of this kind everything was right."""
        self._add(what, times, 0)

    def lost(self, what: str, times: int = 1) -> None:
        """After so many something was lost or doubled."""
        self._add(what, 0, times)

    def _add(self, what: str, survived: int, lost: int) -> None:
        before = self._counts.setdefault(what, [0, 0])
        self._counts[what] = [before[0] + survived, before[1] + lost]


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Count the faults that a test tries, for the table at the end of the run."""
    counts: dict[str, list[int]] = {}
    # A test's properties travel with its report, from xdist's workers too.
    request.node.user_properties.append((_NAME, counts))
    return Figures(counts)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the table, above pytest's own last line."""
    survived: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, counts in report.user_properties:
                if name == _NAME:
                    for what, (well, badly) in counts.items():
                        survived[what] += well
                        lost[what] += badly
    if not survived and not lost:
        return
    names = sorted({*survived, *lost})
    rows = [(name, survived[name] + lost[name], survived[name], lost[name]) for name in names]
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows), sum(row[3] for row in rows)))
    width = max(len(row[0]) for row in [_HEADINGS, *rows])
    terminalreporter.section("nothing lost, nothing doubled")
    for row in [_HEADINGS, *rows]:
        terminalreporter.write_line(f"{row[0]:<{width}}" + "".join(f"{figure:>10}" for figure in row[1:]))
