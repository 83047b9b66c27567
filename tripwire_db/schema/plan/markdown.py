"""A plan as Markdown, for the text of a pull request."""

from collections.abc import Iterator

from tripwire_db.safe_text import printable
from tripwire_db.schema.plan import wording
from tripwire_db.schema.plan.results import Plan, PlannedRevision


def as_markdown(plan: Plan, max_block: float) -> str:
    """Write a plan.

    Args:
        plan: to write.
        max_block: seconds that writes may be held up for.
    """
    return "\n".join(_lines(plan, max_block)).rstrip() + "\n"


def _lines(plan: Plan, max_block: float) -> Iterator[str]:
    yield f"## Plan: {_text(wording.headline(plan))}"
    yield ""
    if not plan.revisions:
        yield wording.NOTHING_TO_DO
        return
    told = f"**{_text(wording.verdict(plan, max_block))}** {_text(wording.drift_line(plan))}"
    yield " ".join(filter(None, (told, _text(wording.release_line(plan)))))
    yield ""
    yield from (f"- {_text(one)}" for one in plan.drift)
    yield from [""] if plan.drift else []
    of_release = f" release {_text(plan.last_release)} |" if plan.last_release is not None else ""
    yield f"| revision | what | time | writes wait | where |{of_release}"
    yield "|---|---|--:|--:|---|" + ("---|" if of_release else "")
    for revision in plan.revisions:
        yield _row(plan, revision)
    yield ""
    for revision in plan.revisions:
        yield from _details(plan, revision)
    yield "### Now"
    yield ""
    now = [f"- {_text(line)}" for line in wording.in_the_way(plan.live, plan.revisions)]
    yield from now or ["Nothing stands in the way."]
    yield ""
    yield from (f"- {_text(note)}" for note in plan.notes)


def _row(plan: Plan, revision: PlannedRevision) -> str:
    worst = wording.worst(revision)
    cells = [
        f"`{revision.revision}`",
        _text(revision.title),
        wording.duration(revision.live_seconds),
        wording.duration(worst.seconds) if worst else "–",
        _text(f"{worst.table}: {worst.holdup}") if worst else "",
        *wording.release_cell(plan, revision),
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _details(plan: Plan, revision: PlannedRevision) -> Iterator[str]:
    held_up, works = list(wording.held_up(revision)), list(wording.works(revision))
    if not (held_up or works or revision.losses or revision.breaks):
        return
    yield f"<details><summary><code>{revision.revision}</code> {_html(revision.title)}: {wording.way(revision)}</summary>"
    yield ""
    yield from (f"- **loses {wording.number(loss.count)} {_text(loss.what)}**" for loss in revision.losses)
    yield from (f"- **{_text(line)}**" for line in wording.broken_calls(plan, revision))
    yield from (f"- {_text(line)}" for line in held_up)
    for statement, told in works:
        yield f"- {_text(wording.times(statement))}: {_text(told)}: {_text(statement.sql)}"
    yield ""
    yield "</details>"
    yield ""


def _html(text: str) -> str:
    """Text within an HTML tag, where Markdown's own marks are none."""
    return printable(text, one_line=True).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(text: str) -> str:
    """Text that Markdown and the HTML in it leave as it is."""
    shown = _html(text)
    for mark in "\\`*_[]":
        shown = shown.replace(mark, f"\\{mark}")
    return shown
