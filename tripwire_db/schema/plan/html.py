"""A plan as one HTML file: a picture of what waits, where and when, and the details below it."""

from collections.abc import Iterator
from html import escape

from tripwire_db.safe_text import printable
from tripwire_db.schema.plan import wording
from tripwire_db.schema.plan.picture import picture
from tripwire_db.schema.plan.results import HOLDUPS, Plan, PlannedRevision

_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1c2024; --dim: #60646c; --line: #d9dde3; --band: #f4f6f8;
  --reads: #b42318; --writes: #e07a10; --rows: #c9a400; --other: #8fb4d8; --on: #fff; --on-light: #1c2024; }
@media (prefers-color-scheme: dark) { :root { --back: #15181c; --text: #e6e8eb; --dim: #9ba1a9; --line: #343a42;
  --band: #1c2127; --reads: #e5534b; --writes: #d9822b; --rows: #b59b1a; --other: #41658c; --on: #fff; --on-light: #fff; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1.25rem; max-width: 76rem;
  background: var(--back); color: var(--text); }
h1 { font-size: 1.35rem; line-height: 1.3; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.verdict { font-weight: 600; } .dim { color: var(--dim); }
code { font: 0.86em/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 0.3rem 0.6rem 0.3rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; } th { color: var(--dim); font-weight: 500; }
td.n, th.n { text-align: right; } td.n, th.n, td code { white-space: nowrap; }
.scroll { overflow-x: auto; } svg { width: 100%; min-width: 46rem; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--text); } svg text.dim { fill: var(--dim); }
svg .band { fill: var(--band); } svg .line { stroke: var(--line); }
svg a:hover rect, svg a:focus rect { stroke: var(--text); stroke-width: 2; }
.reads { fill: var(--reads); background: var(--reads); } .writes { fill: var(--writes); background: var(--writes); }
.rows { fill: var(--rows); background: var(--rows); } .other { fill: var(--other); background: var(--other); }
svg text.inside { fill: var(--on); } svg text.inside.on-other, svg text.inside.on-rows { fill: var(--on-light); }
.legend span { display: inline-block; margin-right: 1.2rem; } .legend i { display: inline-block; width: 0.9em; height: 0.9em;
  margin-right: 0.4em; vertical-align: -0.1em; border-radius: 2px; }
details { margin: 0.4rem 0; } summary { cursor: pointer; } details ul { margin: 0.3rem 0 0.8rem; }
:target { background: var(--band); }
"""

CLASSES = {
    "reads and writes": "reads",
    "writes": "writes",
    "writes to changed rows": "rows",
    "other migrations": "other",
}


def as_html(plan: Plan, max_block: float) -> str:
    """Write a plan as one file, which loads nothing else; it is readable in light and in dark.

    Args:
        plan: to write.
        max_block: seconds that writes may be held up for.
    """
    return "\n".join(_lines(plan, max_block)) + "\n"


def _lines(plan: Plan, max_block: float) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    yield f"<title>Plan: {_text(wording.headline(plan))}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>Plan: {_text(wording.headline(plan))}</h1>"
    if plan.revisions:
        yield f'<p><span class="verdict">{_text(wording.verdict(plan, max_block))}</span> {_text(wording.drift_line(plan))} {_text(wording.release_line(plan))}</p>'
        yield from _list(plan.drift)
        yield "<h2>What waits, where and when</h2>"
        yield f'<p class="legend">{_legend()}</p>'
        yield f'<div class="scroll">{picture(plan, CLASSES)}</div>'
        yield '<p class="dim">A bar is a lock that holds somebody up, from the statement that takes it; it leads to the details.</p>'
        yield from _table(plan)
        for revision in plan.revisions:
            yield from _details(plan, revision)
    else:
        yield f"<p>{wording.NOTHING_TO_DO}</p>"
    yield "<h2>Now</h2>"
    now = list(wording.in_the_way(plan.live, plan.revisions))
    yield from _list(now) if now else ["<p>Nothing stands in the way.</p>"]
    yield '<div class="dim">'
    yield from _list(plan.notes)
    yield "</div></body></html>"


def _legend() -> str:
    shown = (holdup for holdup in reversed(HOLDUPS) if holdup in CLASSES)
    return "".join(f'<span><i class="{CLASSES[holdup]}"></i>{holdup} wait</span>' for holdup in shown)


def _table(plan: Plan) -> Iterator[str]:
    yield '<h2>Revisions</h2><div class="scroll"><table>'
    of_release = f"<th>release {_text(plan.last_release)}</th>" if plan.last_release is not None else ""
    yield (
        '<tr><th>revision</th><th>what</th><th class="n">time</th><th class="n">writes wait</th><th>where</th>'
        f"{of_release}</tr>"
    )
    for revision in plan.revisions:
        worst = wording.worst(revision)
        wait = wording.duration(worst.seconds) if worst else "–"
        yield (
            f'<tr><td><a href="#{revision.revision}"><code>{_text(revision.revision)}</code></a></td>'
            f'<td>{_text(revision.title)}</td><td class="n">{_text(wording.duration(revision.live_seconds))}</td>'
            f'<td class="n">{_text(wait)}</td><td>{_text(f"{worst.table}: {worst.holdup}" if worst else "")}</td>'
            f"{''.join(f'<td>{cell}</td>' for cell in wording.release_cell(plan, revision))}</tr>"
        )
    yield "</table></div>"


def _details(plan: Plan, revision: PlannedRevision) -> Iterator[str]:
    losses = [f"loses {wording.number(loss.count)} {loss.what}" for loss in revision.losses]
    works = [
        f"{_text(wording.times(statement))}: {_text(told)}<br><code>{_text(statement.sql)}</code>"
        for statement, told in wording.works(revision)
    ]
    bold = [*losses, *wording.broken_calls(plan, revision)]
    lines = [*(f"<b>{_text(line)}</b>" for line in bold), *map(_text, wording.held_up(revision)), *works]
    yield (
        f'<details id="{_text(revision.revision)}" open><summary><code>{_text(revision.revision)}</code> '
        f'{_text(revision.title)} <span class="dim">{wording.way(revision)}</span></summary>'
    )
    yield (
        f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul></details>"
        if lines
        else ('<p class="dim">Works on no row that is there, and holds up no write.</p></details>')
    )


def _list(lines: tuple[str, ...] | list[str]) -> Iterator[str]:
    if lines:
        yield f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>"


def _text(text: str) -> str:
    return escape(printable(text, one_line=True))
