"""The picture of a plan: tables as lanes, time as the axis, what waits as bars."""

from collections.abc import Iterator, Mapping
from html import escape

from tripwire_db.safe_text import printable
from tripwire_db.schema.plan import wording
from tripwire_db.schema.plan.results import HOLDUPS, Block, Plan, PlannedRevision

_WIDTH = 1160
_LEFT = 200
_TOP = 44
_LANE = 26
_BAR = 18
_THINNEST = 2.0
_LETTER = 6.9  # the width of one, about, at 12 px
_LABELLED = 60
_TICKS = 8


def picture(plan: Plan, classes: Mapping[str, str]) -> str:
    """Draw a plan as SVG.

    Args:
        plan: with at least one revision.
        classes: the CSS class of each kind of holdup; others are not drawn.
    """
    tables = sorted(
        {block.table for revision in plan.revisions for block in revision.blocks if block.holdup in classes}
    )
    height = _TOP + _LANE * max(1, len(tables)) + 8
    total = plan.live_seconds or 1.0
    drawing = _Drawing(tables, classes, (_WIDTH - _LEFT - 8) / total)
    parts = [*drawing.bands(plan, height), *drawing.lanes(), *drawing.axis(total, height), *drawing.bars(plan)]
    label = f"Locks of {len(plan.revisions)} revisions on {len(tables)} tables over {wording.duration(total)}"
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


class _Drawing:
    """What the parts share: the lanes, and how wide a second is."""

    def __init__(self, tables: list[str], classes: Mapping[str, str], second: float) -> None:
        self._lanes = {table: _TOP + _LANE * place for place, table in enumerate(tables)}
        self._classes = classes
        self._second = second

    def bands(self, plan: Plan, height: int) -> Iterator[str]:
        """Each other revision stands on a darker ground; its id above it, where there is room."""
        for place, (start, revision) in enumerate(_begins(plan)):
            x, width = self._x(start), revision.live_seconds * self._second
            title = _text(f"{revision.revision} {revision.title}: {wording.duration(revision.live_seconds)}")
            fill = "band" if place % 2 == 0 else "none"
            shape = f'class="{fill}"' if fill == "band" else 'fill="transparent"'
            yield f'<rect {shape} x="{x:.1f}" y="20" width="{width:.1f}" height="{height - 20}"><title>{title}</title></rect>'
            if width > _LABELLED:
                slug = revision.title.partition(":")[0]
                yield f'<text class="dim" x="{x + 3:.1f}" y="14">{_text(_fitted(slug, width - 8))}</text>'

    def lanes(self) -> Iterator[str]:
        """A name and a line for each table."""
        for table, y in self._lanes.items():
            yield f'<text x="{_LEFT - 10}" y="{y + 13}" text-anchor="end">{_text(_fitted(table, _LEFT))}</text>'
            yield f'<line class="line" x1="{_LEFT}" x2="{_WIDTH}" y1="{y + _BAR + 4}" y2="{y + _BAR + 4}"/>'

    def axis(self, total: float, height: int) -> Iterator[str]:
        """Marks at round times."""
        step = _round_step(total / _TICKS)
        for mark in range(int(total / step) + 1):
            x = self._x(mark * step)
            yield f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="34" y2="{height}"/>'
            label = "0" if mark == 0 else wording.duration(mark * step)
            anchor = "start" if x < _WIDTH - _LABELLED else "end"
            yield f'<text class="dim" x="{x + (3 if anchor == "start" else -3):.1f}" y="33" text-anchor="{anchor}">{label}</text>'

    def bars(self, plan: Plan) -> Iterator[str]:
        """The weaker first, so that the stronger cover them."""
        found = [
            (HOLDUPS.index(block.holdup), start, revision, block)
            for start, revision in _begins(plan)
            for block in revision.blocks
            if block.holdup in self._classes
        ]
        for _, start, revision, block in sorted(found, key=lambda one: one[:2]):
            yield self._bar(start, revision, block)

    def _bar(self, start: float, revision: PlannedRevision, block: Block) -> str:
        x, y = self._x(start + block.start), self._lanes[block.table]
        width = max(block.seconds * self._second, _THINNEST)
        kind, sql = self._classes[block.holdup], revision.statements[block.statement].sql
        title = _text(f"{block.holdup} wait {wording.duration(block.seconds)} at {block.table}\n{block.mode} by: {sql}")
        inside = ""
        if width > _LABELLED:
            text = _text(_fitted(sql, width - 8))
            inside = f'<text class="inside on-{kind}" x="{x + 4:.1f}" y="{y + 13}">{text}</text>'
        return (
            f'<a href="#{_text(revision.revision)}"><rect class="{kind}" x="{x:.1f}" y="{y}" width="{width:.1f}" '
            f'height="{_BAR}" rx="2"><title>{title}</title></rect>{inside}</a>'
        )

    def _x(self, seconds: float) -> float:
        return _LEFT + seconds * self._second


def _begins(plan: Plan) -> Iterator[tuple[float, PlannedRevision]]:
    """When each revision begins, one after another."""
    start = 0.0
    for revision in plan.revisions:
        yield start, revision
        start += revision.live_seconds


def _round_step(least: float) -> float:
    """The next of 1, 2 or 5 times a power of ten."""
    power = 1e-6
    while True:
        for step in (1, 2, 5):
            if step * power >= least:
                return step * power
        power *= 10


def _fitted(text: str, width: float) -> str:
    room = int(width / _LETTER)
    return text if len(text) <= room else text[: max(0, room - 1)] + "…"


def _text(text: str) -> str:
    return escape(printable(text))
