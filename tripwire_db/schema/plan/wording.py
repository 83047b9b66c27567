"""A plan in words: what the terminal, Markdown and HTML all say."""

from collections.abc import Iterator
from itertools import groupby

from tripwire_db.safe_text import printable
from tripwire_db.schema.plan.results import HOLDUPS, Block, LiveState, Plan, PlannedRevision, PlannedStatement

_MINUTE = 60
_READ_TOLD = 3
_WRITES = HOLDUPS.index("writes to changed rows")

NOTHING_TO_DO = "Nothing to do: the database is there already."


def duration(seconds: float) -> str:
    """Write a time as precisely as an estimate deserves.

    Examples:
        >>> [duration(seconds) for seconds in (0.0002, 0.0123, 1.26, 12.6, 60, 125, 7300)]
        ['< 1 ms', '12 ms', '1.3 s', '13 s', '1 min', '2 min 5 s', '2 h 2 min']
    """
    if seconds < 0.001:
        return "< 1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"


def size(count: int) -> str:
    """Write a number of bytes.

    Examples:
        >>> [size(count) for count in (0, 900, 8192, 1_500_000, 3 * 1024**3)]
        ['0 B', '900 B', '8 kB', '1.4 MB', '3 GB']
    """
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if value >= 9.95 or value == int(value) else f"{value:.1f} {unit}"


def number(count: int) -> str:
    """Write a number of rows, with spaces between thousands."""
    return f"{count:,}".replace(",", " ")


def headline(plan: Plan) -> str:
    """What would be done, and about how long it takes."""
    count = len(plan.revisions)
    if not count:
        return f"{plan.database} is at {plan.after or 'base'}"
    return (
        f"{'downgrade' if plan.down else 'upgrade'} of {plan.database} from {plan.before or 'base'} to {plan.after or 'base'}: "
        f"{count} revision{'' if count == 1 else 's'}, about {duration(plan.live_seconds)} at the live size"
    )


def drift_line(plan: Plan) -> str:
    """Whether the live database is what the chain makes."""
    if not plan.drift:
        return "No drift." if plan.before is not None else "The database is at no revision yet."
    count = len(plan.drift)
    return f"Drift: {count} object{'s were' if count > 1 else ' was'} changed by hand; there the plan may be wrong:"


def worst(revision: PlannedRevision) -> Block | None:
    """The longest time in which writes wait; None where none do."""
    blocks = [block for block in revision.blocks if HOLDUPS.index(block.holdup) >= _WRITES]
    return max(blocks, key=lambda block: (block.seconds, HOLDUPS.index(block.holdup)), default=None)


def verdict(plan: Plan, max_block: float) -> str:
    """Whether writes wait for longer than they may."""
    too_long = plan.blocks_longer_than(max_block)
    if not too_long:
        return f"Nothing holds up writes for longer than {duration(max_block)}."
    revision, block = max(too_long, key=lambda pair: pair[1].seconds)
    tables = len({(one, held.table) for one, held in too_long})
    return (
        f"Writes are held up for longer than {duration(max_block)} at {tables} place{'' if tables == 1 else 's'}, "
        f"the longest {duration(block.seconds)}: {block.table} in {revision}."
    )


def release_line(plan: Plan) -> str:
    """Whether the application of the last release goes on working; empty where there is none."""
    if plan.last_release is None:
        return ""
    broken = [revision.revision for revision in plan.revisions if revision.breaks]
    if not broken:
        return f"The application of release {plan.last_release} goes on working."
    return f"The application of release {plan.last_release} does not go on working: {', '.join(broken)}."


def release_cell(plan: Plan, revision: PlannedRevision) -> tuple[str, ...]:
    """The cell of a revision in the release's column; none where there is no release."""
    if plan.last_release is None:
        return ()
    return ("breaks" if revision.breaks else "works",)


def broken_calls(plan: Plan, revision: PlannedRevision) -> Iterator[str]:
    """What a revision breaks of the last release, a line each."""
    return (f"breaks release {plan.last_release}: {told}" for told in revision.breaks)


def held_up(revision: PlannedRevision) -> Iterator[str]:
    """What waits, a line for each statement that makes it wait."""
    blocks = [block for block in revision.blocks if HOLDUPS.index(block.holdup) >= _WRITES]
    for (statement, holdup, mode), some in groupby(blocks, lambda one: (one.statement, one.holdup, one.mode)):
        found = list(some)
        tables = ", ".join(block.table for block in found)
        until = "to the revision's end" if revision.transactional else "as long as it runs"
        sql = printable(revision.statements[statement].sql, one_line=True)
        yield f"{duration(found[0].seconds)} {until}: {holdup} wait at {tables} ({mode} by: {sql})"


def works(revision: PlannedRevision) -> Iterator[tuple[PlannedStatement, str]]:
    """The statements that work on the rows of live tables, and what each does."""
    for statement in revision.statements:
        if told := work_of(statement):
            yield statement, told


def times(statement: PlannedStatement) -> str:
    """How long a statement takes at the live size, and how long it took where that is another time."""
    scaled, measured = duration(statement.live_seconds), duration(statement.scratch_seconds)
    return scaled if scaled == measured else f"{scaled} ({measured} on the scratch server)"


def work_of(statement: PlannedStatement) -> str:
    """What a statement does to the rows of live tables; empty where it does nothing to them."""
    parts: list[str] = []
    read: list[str] = []
    for work in statement.work:
        done = [
            f"rewrites {work.table}" if work.rewritten else "",
            f"empties {work.table}" if work.emptied else "",
            f"builds {', '.join(work.indexes_built)}" if work.indexes_built and not work.rewritten else "",
            f"changes {number(work.changed_rows)} rows of {work.table}" if work.changed_rows else "",
        ]
        told = f"({number(work.size.rows)} rows, {size(work.size.bytes)})"
        if any(done):
            parts.append(f"{' and '.join(filter(None, done))} {told}")
        elif work.scanned:
            read.append(f"{work.table} {told}")
    if read:
        more = f" and {len(read) - _READ_TOLD} more" if len(read) > _READ_TOLD else ""
        parts.append(f"reads {', '.join(read[:_READ_TOLD])}{more}")
    if parts and statement.wal_bytes >= 1024**2:
        parts.append(f"WAL {size(statement.wal_bytes)}")
    if statement.space_bytes:
        parts.append(f"needs {size(statement.space_bytes)} until the commit")
    return "; ".join(parts)


def in_the_way(live: LiveState, revisions: tuple[PlannedRevision, ...]) -> Iterator[str]:
    """Who and what stands in the way in the live database now, a line each."""
    concurrent = any(not revision.transactional for revision in revisions)
    for one in live.transactions:
        if one.tables:
            why = f"it blocks the plan at {', '.join(one.tables)}"
        elif one.snapshot and concurrent:
            why = "CONCURRENTLY waits for its end"
        else:
            why = "it has locked nothing of the plan"
        yield f"{one.session}; open for {duration(one.seconds)}: {why}"
    for vacuum in live.wraparound:
        if vacuum.pid is not None:
            yield f"autovacuum to prevent wraparound of {vacuum.table} (pid {vacuum.pid}): it does not give way to a migration"
        else:
            yield f"{vacuum.table} is due for an autovacuum to prevent wraparound (age {number(vacuum.age or 0)} transactions)"
    for replica in live.replicas:
        lag = "unknown" if replica.lag_bytes is None else size(replica.lag_bytes)
        seconds = "" if replica.lag_seconds is None else f", {duration(replica.lag_seconds)}"
        yield f"replica {replica.name} ({replica.state or 'no state told'}) is behind by {lag}{seconds}"
    for index in live.invalid_indexes:
        yield f"index {index.name} of {index.table} is invalid: no query takes it, and every write keeps it"


def way(revision: PlannedRevision) -> str:
    """Whether it is a transaction."""
    return "one transaction" if revision.transactional else "outside of a transaction (CONCURRENTLY)"
