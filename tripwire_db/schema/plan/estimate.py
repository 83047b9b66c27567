"""From what was measured on the scratch server to what it comes to at the live size."""

from collections.abc import Iterator
from dataclasses import dataclass

from tripwire_db.schema.plan.live import Sizes
from tripwire_db.schema.plan.measure import Measured
from tripwire_db.schema.plan.results import (
    HOLDUPS,
    Block,
    CountedLoss,
    Holdup,
    PlannedRevision,
    PlannedStatement,
    PlannedWork,
    TableSize,
)
from tripwire_db.schema.runner.errors import shorten
from tripwire_db.schema.statements import statements
from tripwire_db.schema.tracing import TableWork, TracedRevision, TracedStatement

_SHOWN = 160
_EMPTY = TableSize(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much larger the live tables are than those of the scratch server."""

    measured: Measured
    live: Sizes

    def of_table(self, name: str) -> float:
        """How many times the rows; a table that has none here or is not there yet grows like all together."""
        here, there = self.measured.sizes.get(name, _EMPTY).rows, self.live.get(name)
        return there.rows / here if here and there is not None else self.of_all

    @property
    def of_all(self) -> float:
        """How many times the rows of all tables that both have."""
        both = self.measured.sizes.keys() & self.live.keys()
        here = sum(self.measured.sizes[name].rows for name in both)
        return sum(self.live[name].rows for name in both) / here if here else 1.0

    def of_statement(self, statement: TracedStatement) -> float:
        """How many times the rows that a statement handles."""
        handled = {work.table: _handled(work) for work in statement.work}
        total = sum(handled.values())
        return sum(rows * self.of_table(table) for table, rows in handled.items()) / total if total else 1.0


def planned_revision(
    revision: TracedRevision, scale: Scale, losses: tuple[CountedLoss, ...], breaks: tuple[str, ...] = ()
) -> PlannedRevision:
    """Scale a revision, and tell what waits behind it."""
    planned = tuple(_statement(revision, number, scale) for number in range(len(revision.statements)))
    return PlannedRevision(
        revision=revision.revision,
        title=revision.title,
        transactional=revision.transactional,
        statements=planned,
        blocks=tuple(_blocks(planned)),
        losses=losses,
        scratch_seconds=revision.seconds,
        live_seconds=sum(statement.live_seconds for statement in planned),
        breaks=breaks,
    )


def _statement(revision: TracedRevision, number: int, scale: Scale) -> PlannedStatement:
    traced, few = revision.statements[number], scale.measured.at_rest(revision, number)
    times = scale.of_statement(traced)
    work = tuple(_work(one, scale) for one in traced.work if one.table in scale.live)
    return PlannedStatement(
        sql=shown(traced.sql),
        transactional=traced.transactional,
        locks=tuple(lock for lock in traced.locks if lock.table in scale.live),
        work=work,
        scratch_seconds=traced.seconds,
        live_seconds=_grown(few.seconds if few else 0.0, traced.seconds, times),
        wal_bytes=round(_grown(few.wal_bytes if few else 0, traced.wal_bytes, times)),
        space_bytes=sum(one.size.bytes + one.size.index_bytes for one in work if one.rewritten),
    )


def _work(work: TableWork, scale: Scale) -> PlannedWork:
    changed = work.inserted + work.updated + work.deleted
    return PlannedWork(
        table=work.table,
        rewritten=work.rewritten,
        emptied=work.emptied,
        scanned=work.scans > 0,
        changed_rows=round(changed * scale.of_table(work.table)),
        indexes_built=work.indexes_built,
        size=scale.live[work.table],
    )


def _grown(few: float, many: float, times: float) -> float:
    """What does not grow stays, and the rest grows with the rows."""
    fixed = min(few, many)
    return fixed + (many - fixed) * times


def _handled(work: TableWork) -> int:
    return work.read + work.inserted + work.updated + work.deleted


def _blocks(planned: tuple[PlannedStatement, ...]) -> Iterator[Block]:
    """What waits at each table: told anew by each statement that makes it worse."""
    end = sum(statement.live_seconds for statement in planned)
    start, worst = 0.0, dict[str, int]()
    for number, statement in enumerate(planned):
        for table, (mode, holdup) in sorted(_held_up(statement).items()):
            rank = HOLDUPS.index(holdup)
            if rank > (worst.get(table, 0) if statement.transactional else 0):
                until = end if statement.transactional else start + statement.live_seconds
                yield Block(table, holdup, mode, number, start, until - start)
            if statement.transactional:
                worst[table] = max(rank, worst.get(table, 0))
        start += statement.live_seconds


def _held_up(statement: PlannedStatement) -> dict[str, tuple[str, Holdup]]:
    """By table, the lock that holds up the most."""
    changed = {work.table for work in statement.work if work.changed_rows}
    found: dict[str, tuple[str, Holdup]] = {}
    for lock in statement.locks:
        holdup: Holdup = lock.blocks
        if lock.mode == "ROW EXCLUSIVE" and lock.table in changed:
            holdup = "writes to changed rows"
        known = found.get(lock.table)
        if known is None or HOLDUPS.index(holdup) > HOLDUPS.index(known[1]):
            found[lock.table] = (lock.mode, holdup)
    return found


def shown(sql: str) -> str:
    """A statement on one line, without comments, shortened."""
    return shorten(next((one.sql for one in statements(sql) if not one.inside), sql), _SHOWN)
