"""Writes the page of what was measured, with its pictures, which can be read on light and on dark."""

import platform
from collections.abc import Iterable
from html import escape
from pathlib import Path

from benchmarks.measuring import Bound, Section, figure
from benchmarks.results import Part

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
STYLE = """
    .card { fill: #ffffff; stroke: #d0d7de } .name { fill: #1f2328 } .value { fill: #59636e }
    .bar { fill: #8c959f } .ours { fill: #0969da } text { font: 14px system-ui, sans-serif }
    @media (prefers-color-scheme: dark) {
        .card { fill: #0d1117; stroke: #3d444d } .name { fill: #f0f6fc } .value { fill: #9198a1 }
        .bar { fill: #656c76 } .ours { fill: #4493f8 }
    }"""
ROW, NAME, WIDTH = 30, 400, 900


WHY = {
    "creation beside ten statements, 0 ms": (
        "With no network between, what is left is the server's own work, which is the same rows either way: one function in "
        "the database shows what it cannot go below, rows, indexes and foreign keys being two thirds of it. Where nothing "
        "else runs, as in the tenth percentiles, the two come near each other. The gain is in the round trips: see 1 to 20 ms."
    ),
    "a heartbeat beside": (
        "The rival does not count honest time, so it does less, and here no network makes it wait for its six round "
        "trips: see Heartbeat at 1 to 20 ms. Of the server's work for the one statement, more than a third is the start and "
        "the end of its plan of fifty nodes, which six small statements hardly have; one function in the database, which "
        "starts none either, takes half of it."
    ),
    "leaderboard at 1,000,000 beside the plain": (
        "It also tells the month, by a second scan of its rows, and the names and the sellers who are gone, which the plain "
        "GROUP BY does not."
    ),
    "leaderboard at 1,000,000 beside adding up": (
        "Of the two scans that the function needs, the plain GROUP BY, which takes four fifths of its time, makes one; "
        "fetching makes one, too."
    ),
}
"""Why a bound is missed, where it is known, by the beginning of its name."""
README = ("creation beside", "asyncio beside threads", "leaderboard at", "stats of one of 50", "upgrade head")
"""The beginnings of the bounds that README shows."""
MARKS = ("<!-- measured: written by scripts/bench -->", "<!-- end of measured -->")


def write(parts: list[Part]) -> Path:
    """Write `performance.md`, a picture for each section that has bars, and README's numbers; give the page."""
    for old in DOCS.glob("performance-*.svg"):
        old.unlink()
    sections = [section for part in parts for section in part.sections]
    bounds = [bound for section in sections for bound in section.bounds]
    page = DOCS / "performance.md"
    text = [_head(parts), _bounds(bounds), _a_hundred_times(sections), *map(_section, sections)]
    page.write_text("\n".join(filter(None, text)), encoding="utf-8")
    _show_in_readme(bounds)
    return page


def _head(parts: list[Part]) -> str:
    newest = max(parts, key=lambda part: part.at)
    rows = [
        (
            f"`{part.name}`",
            part.at,
            "quick" if part.quick else "whole",
            f"{part.seconds:,.0f} s",
            f"{part.load[0]:.1f} – {part.load[1]:.1f}",
        )
        for part in parts
    ]
    runs = _table(("part", "when, UTC", "run", "took", "load before – after"), rows)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(newest.versions.items()))
    return f"""# Performance

Written by `./scripts/bench`, from the newest run of each of its parts. {newest.processor};
{platform.system()}, {versions}.

Server and clients share the machine. All contestants of a table ran in one run, a few calls of each in turn, after a
warm-up that is not counted; what each wrote or answered was checked. The middle half is what lies between the quartiles.
At a load above 1 the machine had other work, and the figures are what that left: compare what stands in one table. The tenth
percentile ("tenth") is what other work disturbs least: growth, ratios beside bare psycopg, and what a flow takes at 1 to 20 ms of
network are told by it, all else by medians.

{runs}"""


def _bound(bound: Bound) -> tuple[str, ...]:
    limit = f"{'≥' if bound.at_least else '≤'} {bound.limit:g} {bound.unit}".rstrip()
    return bound.what, f"{figure(bound.value)} {bound.unit}".rstrip(), limit, "yes" if bound.holds else "**no**"


def _bounds(bounds: list[Bound]) -> str:
    text = f"## Bounds\n\n{_table(('what', 'measured', 'bound', 'holds'), map(_bound, bounds))}"
    for beginning, reason in WHY.items():
        missed = [bound.what for bound in bounds if bound.what.startswith(beginning) and not bound.holds]
        if missed:
            text += f"\nMissed: {'; '.join(missed)}. {reason}\n"
    return text


def _a_hundred_times(sections: list[Section]) -> str:
    """What is true of "a hundred times faster than JavaScript", which is said of aggregations in the database."""
    told = []
    for section in sections:
        times = dict(section.bars)
        ours = times.get("this repository")
        fetched = [name for name in times if "JavaScript" in name or "Python" in name]
        if ours and section.title.startswith("Leaderboard at") and fetched:
            gains = "; ".join(f"{times[name] / ours:,.0f} × in {name.rpartition(' in ')[2]}" for name in fetched)
            told.append(f"- {section.title.replace('Leaderboard at', 'At')}: {gains}.")
    if not told:
        return ""
    lines = "\n".join(told)
    return f"""## A hundred times faster than JavaScript?

That is said of aggregations in the database. So many times as long as the leaderboard by this repository it takes to fetch
the rows and add them up (medians; JavaScript through PostgREST, Python through psycopg):

{lines}

What makes the difference is whether all rows come in one answer or in pages of a thousand, hosted Supabase's most.
"""


def _show_in_readme(bounds: list[Bound]) -> None:
    """Put the chosen rows of the bounds' table between README's marks."""
    readme = DOCS.parents[1] / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    before, begins, rest = text.partition(MARKS[0])
    _, ends, after = rest.partition(MARKS[1])
    if begins and ends:
        chosen = [_bound(bound) for bound in bounds if bound.what.startswith(README)]
        table = _table(("what", "measured", "bound", "holds"), chosen)
        readme.write_text(f"{before}{begins}\n{table}{ends}{after}", encoding="utf-8")


def _section(section: Section) -> str:
    parts = [f"## {section.title}", section.text]
    if section.rows:
        parts.append(_table(section.headings, section.rows).rstrip())
    for what, bars in {"": section.bars, **section.more}.items():
        if bars:
            title = f"{section.title}, {what}" if what else section.title
            name = f"performance-{'-'.join(''.join(c if c.isalnum() else ' ' for c in title.lower()).split())}.svg"
            (DOCS / name).write_text(_picture(title, bars, section.unit), encoding="utf-8")
            parts.append(f"![{title}: bars of the times above]({name})")
    parts += [f"Not measured: {failure}" for failure in section.failures]
    return "\n\n".join(parts) + "\n"


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, ("---", *["---:"] * (len(headings) - 1)), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _picture(title: str, measured: list[tuple[str, float]], unit: str) -> str:
    longest = max(value for _, value in measured)
    height = ROW * len(measured) + 20
    bars = []
    for number, (name, value) in enumerate(measured):
        y = 10 + ROW * number
        length = max(2, round((WIDTH - NAME - 110) * value / longest))
        kind = "bar ours" if name.startswith("this repository") else "bar"
        bars.append(
            f'  <text class="name" x="{NAME - 10}" y="{y + 20}" text-anchor="end">{escape(name)}</text>\n'
            f'  <rect class="{kind}" x="{NAME}" y="{y + 5}" width="{length}" height="{ROW - 10}" rx="3"/>\n'
            f'  <text class="value" x="{NAME + length + 8}" y="{y + 20}">{figure(value)} {unit}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img">\n  <title>{escape(title)}</title>\n  <style>{STYLE}\n  </style>\n'
        f'  <rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>\n'
        + "\n".join(bars)
        + "\n</svg>\n"
    )
