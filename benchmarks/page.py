"""Writes the page of what was measured, with its pictures, which can be read on light and on dark."""

import os
import platform
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import psycopg
import sqlalchemy

from benchmarks.measuring import Bound, Section, figure

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
STYLE = """
    .card { fill: #ffffff; stroke: #d0d7de } .name { fill: #1f2328 } .value { fill: #59636e }
    .bar { fill: #8c959f } .ours { fill: #0969da } text { font: 14px system-ui, sans-serif }
    @media (prefers-color-scheme: dark) {
        .card { fill: #0d1117; stroke: #3d444d } .name { fill: #f0f6fc } .value { fill: #9198a1 }
        .bar { fill: #656c76 } .ours { fill: #4493f8 }
    }"""
ROW, NAME, WIDTH = 30, 400, 900


def write(sections: list[Section], server: str, *, load: float, quick: bool) -> Path:
    """Write `performance.md` and a picture for each section that has bars; give the page."""
    for old in DOCS.glob("performance-*.svg"):
        old.unlink()
    parts = [
        _head(server, load=load, quick=quick),
        _bounds([bound for section in sections for bound in section.bounds]),
    ]
    parts += [_section(section) for section in sections]
    page = DOCS / "performance.md"
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def _head(server: str, *, load: float, quick: bool) -> str:
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    run = "a quick run of `./scripts/bench --quick`, with few repetitions" if quick else "`./scripts/bench`"
    return f"""# Performance

Written by {run}, {datetime.now(UTC):%Y-%m-%d}. {os.cpu_count()} × {processor}, load {load:.1f} before the run;
{platform.system()}, {server}, Python {platform.python_version()}, psycopg {psycopg.__version__} ({psycopg.pq.__impl__}),
SQLAlchemy {sqlalchemy.__version__}. At a load above 1 the machine has other work, and the figures are what that leaves.

Server and clients share the machine. All contestants of a table ran in one run, a few calls of each in turn, after a
warm-up that is not counted; what each wrote or answered was checked. The middle half is what lies between the quartiles.
"""


def _bounds(bounds: list[Bound]) -> str:
    rows = [
        (
            bound.what,
            f"{figure(bound.value)} {bound.unit}",
            f"{'≥' if bound.at_least else '≤'} {bound.limit:g} {bound.unit}",
            "yes" if bound.holds else "**no**",
        )
        for bound in bounds
    ]
    return f"## Bounds\n\n{_table(('what', 'measured', 'bound', 'holds'), rows)}"


def _section(section: Section) -> str:
    parts = [f"## {section.title}", section.text]
    if section.rows:
        parts.append(_table(section.headings, section.rows).rstrip())
    if section.bars:
        name = f"performance-{'-'.join(''.join(c if c.isalnum() else ' ' for c in section.title.lower()).split())}.svg"
        (DOCS / name).write_text(_picture(section), encoding="utf-8")
        parts.append(f"![{section.title}: bars of the times above]({name})")
    parts += [f"Not measured: {failure}" for failure in section.failures]
    return "\n\n".join(parts) + "\n"


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, ("---", *["---:"] * (len(headings) - 1)), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _picture(section: Section) -> str:
    longest = max(value for _, value in section.bars)
    height = ROW * len(section.bars) + 20
    bars = []
    for number, (name, value) in enumerate(section.bars):
        y = 10 + ROW * number
        length = max(2, round((WIDTH - NAME - 110) * value / longest))
        kind = "bar ours" if number == _ours(section) or name.startswith("this repository") else "bar"
        bars.append(
            f'  <text class="name" x="{NAME - 10}" y="{y + 20}" text-anchor="end">{escape(name)}</text>\n'
            f'  <rect class="{kind}" x="{NAME}" y="{y + 5}" width="{length}" height="{ROW - 10}" rx="3"/>\n'
            f'  <text class="value" x="{NAME + length + 8}" y="{y + 20}">{figure(value)} {section.unit}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img">\n  <title>{escape(section.title)}</title>\n  <style>{STYLE}\n  </style>\n'
        f'  <rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>\n'
        + "\n".join(bars)
        + "\n</svg>\n"
    )


def _ours(section: Section) -> int | None:
    return next((number for number, (name, _) in enumerate(section.bars) if name == "leaderboard"), None)
