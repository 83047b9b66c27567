"""`tripwire-db plan`: what an upgrade or a downgrade would do to a live database, before it does.

The live database is only read, in one read-only transaction with bounded waits. The locks are those that the revisions
took when they were run, on a scratch server, from the live database's own revision.
"""

from collections.abc import Callable
from dataclasses import replace

from tripwire_db.postgres.url import parse, place_of
from tripwire_db.schema.drift import find_drift
from tripwire_db.schema.plan.application import Application, last_release, try_application
from tripwire_db.schema.plan.estimate import Scale, planned_revision
from tripwire_db.schema.plan.live import Live, look
from tripwire_db.schema.plan.measure import Measured, measure
from tripwire_db.schema.plan.results import (
    HOLDUPS,
    Block,
    CountedLoss,
    Holdup,
    InvalidIndex,
    LiveState,
    OpenTransaction,
    Plan,
    PlannedRevision,
    PlannedStatement,
    PlannedWork,
    Replica,
    TableSize,
    Wraparound,
)
from tripwire_db.schema.plan.route import find_route
from tripwire_db.schema.project import COURSE as PROJECT
from tripwire_db.schema.runner.limits import Limits, spell
from tripwire_db.schema.tracing import CONFLICTS

__all__ = [
    "HOLDUPS",
    "Block",
    "CountedLoss",
    "Holdup",
    "InvalidIndex",
    "LiveState",
    "OpenTransaction",
    "Plan",
    "PlannedRevision",
    "PlannedStatement",
    "PlannedWork",
    "Replica",
    "TableSize",
    "Wraparound",
    "make_plan",
]


def make_plan(url: str, to: str = "head", *, say: Callable[[str], None] = lambda _text: None) -> Plan:
    """Plan an upgrade, or a downgrade.

    Args:
        url: the live database; only read.
        to: a revision's id, `head`, `base`, or a step such as `+1` or `-1`.
        say: is told what is being done, a line at a time.

    Raises:
        InvalidInput: there is no such revision.
        Refused: the database is not under Alembic, or at a revision that this package does not know.
        Unavailable: it cannot be read, or no scratch server can be started.
        alembic.util.CommandError: a revision fails on the scratch server.

    Examples:
        >>> make_plan("postgresql://postgres@localhost:5432/tripwire").blocks_longer_than(1.0)  # doctest: +SKIP
        ()
    """
    lock_timeout = Limits.read({}, {}).lock_timeout
    live = look(url, lambda before: find_route(before, to), lock_timeout=lock_timeout / 1000)
    route = live.route
    drift: tuple[str, ...] = ()
    if route.before is not None:
        say("comparing the database with the chain at its revision")
        drift = tuple(f"{found.kind} {found.name}: {found.change}" for found in find_drift(url).findings)
    measured = None
    if route.modules:
        rows = live.sizes.get(_measured_table())
        count = len(route.modules)
        say(f"running {count} revision{'' if count == 1 else 's'} on a scratch server, with few rows and with many")
        measured = measure(route, rows.rows if rows is not None else 0)
    release = last_release(route.before) if route.modules else None
    application = None
    if release is not None:
        say(f"trying the application of release {release.version} after each")
        application = try_application(route, release)
    return _plan(url, live, measured, drift, lock_timeout, application=application)


def _plan(
    url: str,
    live: Live,
    measured: Measured | None,
    drift: tuple[str, ...],
    lock_timeout: int,
    *,
    application: Application | None,
) -> Plan:
    revisions: tuple[PlannedRevision, ...] = ()
    if measured is not None:
        scale = Scale(measured, live.sizes)
        broken = application.broken if application is not None else {}
        revisions = tuple(
            planned_revision(revision, scale, live.losses.get(revision.revision, ()), broken.get(revision.revision, ()))
            for revision in measured.revisions
        )
    return Plan(
        database=place_of(parse(url)),
        server_version=live.server_version,
        scratch_version=measured.server_version if measured is not None else "",
        before=live.route.before,
        after=live.route.after,
        down=live.route.down,
        drift=drift,
        revisions=revisions,
        live=_in_the_way(live, revisions),
        measured_with=measured.many if measured is not None else 0,
        measured_table=_measured_table(),
        last_release=application.version if application is not None else None,
        notes=tuple(_notes(live, measured, lock_timeout)) if measured is not None else (),
    )


def _in_the_way(live: Live, revisions: tuple[PlannedRevision, ...]) -> LiveState:
    """Tell of each open transaction at which tables the plan would wait for it."""
    wanted: dict[str, set[str]] = {}
    for lock in (lock for revision in revisions for statement in revision.statements for lock in statement.locks):
        # CONCURRENTLY waits for whoever writes, too, though its own lock lets him.
        wanted.setdefault(lock.table, set()).update(CONFLICTS[lock.mode if lock.held else "SHARE"])
    transactions = tuple(
        replace(one, tables=tuple(sorted({table for table, mode in locked if mode in wanted.get(table, ())})))
        for one, locked in zip(live.state.transactions, live.locked, strict=True)
    )
    return replace(live.state, transactions=transactions)


def _measured_table() -> str:
    return PROJECT.measured.table if PROJECT.measured is not None else ""


def _notes(live: Live, measured: Measured, lock_timeout: int) -> list[str]:
    table = _measured_table()
    rows = live.sizes[table].rows if table in live.sizes else 0
    notes = [
        _scaled(measured.many, table, rows),
        f"While a revision waits for a lock, whoever comes after it waits too: up to {spell(lock_timeout)} more, where a "
        "transaction is in the way (lock-timeout).",
        "WAL comes without the images of whole pages that a server adds after each checkpoint.",
    ]
    if live.server_version.partition(".")[0] != measured.server_version.partition(".")[0]:
        notes.append(
            f"The locks are those of PostgreSQL {measured.server_version}; the live server is {live.server_version}."
        )
    return notes


def _scaled(many: int, table: str, rows: int) -> str:
    return (
        f"Times at the live size are scaled: from a run on this machine with {many} rows of {table} to the {rows} that the "
        "live server counts. Its own disk, and what else it does, are not in them."
    )
