"""What each part found, kept as JSON from run to run: the page is made of the newest of each."""

import json
import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measuring import Bound, Section

FOLDER = Path(__file__).resolve().parents[1] / ".benchmarks"


@dataclass
class Part:
    """One part of a run."""

    name: str
    sections: list[Section]
    at: str
    """Date and time in UTC, to the minute."""
    quick: bool
    seconds: float
    load: tuple[float, float]
    """The load average of the last minute, before and after."""
    processor: str
    versions: dict[str, str] = field(default_factory=dict)

    def save(self) -> None:
        """Keep it, in place of the run before."""
        FOLDER.mkdir(exist_ok=True)
        draft = FOLDER / f"{self.name}.json.new"
        draft.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(FOLDER / f"{self.name}.json")


def load(names: Iterable[str]) -> list[Part]:
    """The newest run of each of these parts that has been run."""
    files = (FOLDER / f"{name}.json" for name in names)
    return [_part(json.loads(file.read_text(encoding="utf-8"))) for file in files if file.exists()]


def _part(kept: dict[str, Any]) -> Part:
    sections = [_section(section) for section in kept.pop("sections")]
    return Part(sections=sections, load=tuple(kept.pop("load")), **kept)


def _section(kept: dict[str, Any]) -> Section:
    bounds = [Bound(**bound) for bound in kept.pop("bounds")]
    rows = [tuple(row) for row in kept.pop("rows")]
    bars = [(name, value) for name, value in kept.pop("bars")]
    more = {what: [(name, value) for name, value in each] for what, each in kept.pop("more", {}).items()}
    return Section(headings=tuple(kept.pop("headings")), rows=rows, bars=bars, more=more, bounds=bounds, **kept)


def measured(
    name: str, measure: Callable[[list[Section]], None], versions: Callable[[], dict[str, str]], *, quick: bool
) -> Part:
    """Run a part; `measure` fills the sections, whatever becomes of the later ones."""
    sections: list[Section] = []
    at, before, began = datetime.now(UTC), os.getloadavg()[0], time.monotonic()
    measure(sections)
    took, after = time.monotonic() - began, os.getloadavg()[0]
    return Part(name, sections, f"{at:%Y-%m-%d %H:%M}", quick, took, (before, after), _processor(), versions())


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{os.cpu_count()} × {next(models, platform.processor())}"
