"""Looks at the live database: in one read-only transaction, with bounded waits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from tripwire_db.errors import Refused, Unavailable
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.errors import without_rows
from tripwire_db.schema.plan.results import (
    CountedLoss,
    InvalidIndex,
    LiveState,
    OpenTransaction,
    Replica,
    TableSize,
    Wraparound,
)
from tripwire_db.schema.plan.route import Route
from tripwire_db.schema.project import COURSE as PROJECT
from tripwire_db.schema.runner.losses import count_losses
from tripwire_db.schema.runner.sessions import Session
from tripwire_db.schema.runner.version_table import VersionTable
from tripwire_db.schema.tracing.probe import spelled

STATEMENT_TIMEOUT_SECONDS = 10
LOCK_TIMEOUT_SECONDS = 2

_SQL = Path(__file__).parent / "sql"

Sizes = Mapping[str, TableSize]


@dataclass(frozen=True, slots=True)
class Live:
    """What one look at the live database gave.

    Attributes:
        server_version: as in `17.6`.
        route: from its revision to the one asked for.
        sizes: of its tables, by name.
        losses: by revision, what a downgrade loses.
        state: who and what stands in the way now; the tables of its transactions are told by `locked`.
        locked: for each of these transactions, the tables that it has locked, each with a mode.
    """

    server_version: str
    route: Route
    sizes: Sizes
    losses: Mapping[str, tuple[CountedLoss, ...]]
    state: LiveState
    locked: tuple[frozenset[tuple[str, str]], ...]


def look(url: str, route: Callable[[str | None], Route], *, lock_timeout: float) -> Live:
    """Look once.

    Args:
        url: of the live database.
        route: finds the way from the database's revision.
        lock_timeout: seconds; transactions that are open for longer are told.

    Raises:
        Refused: the tables are there, and Alembic has never been.
        Unavailable: it cannot be read, or not in time.
    """
    try:
        with connect(url, purpose="plan") as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'")
            connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
            connection.execute("SET LOCAL search_path = ''")
            connection.execute("SET LOCAL row_security = off")  # an error is better than a count of some of the rows
            way = route(_revision_of(connection))
            transactions = connection.execute(_read("transactions"), {"seconds": lock_timeout}).fetchall()
            return Live(
                server_version=version_of(connection),
                route=way,
                sizes=sizes_of(connection),
                losses=_losses(connection, way),
                state=_state(connection, transactions),
                locked=tuple(frozenset(map(_lock, locks)) for *_, locks in transactions),
            )
    except psycopg.Error as error:
        first_line = str(error).partition("\n")[0]
        raise Unavailable(f"the database could not be read: {first_line}", applied=False) from without_rows(error)


def sizes_of(connection: psycopg.Connection[Any]) -> Sizes:
    """Read the size of every table that is no system's."""
    return {name: TableSize(*numbers) for name, *numbers in connection.execute(_read("sizes"))}


def version_of(connection: psycopg.Connection[Any]) -> str:
    """The server's version, as in `17.6`."""
    major, minor = divmod(connection.info.server_version, 10_000)
    return f"{major}.{minor}"


def _revision_of(connection: psycopg.Connection[Any]) -> str | None:
    heads = VersionTable.of(PROJECT).read(connection)
    if len(heads) > 1:
        raise Refused(f"the database is at several revisions at once: {', '.join(sorted(heads))}")
    if not heads and _made_by_hand(connection):
        raise Refused("tables of ours are here, and Alembic has never been: run `tripwire-db adopt` first")
    return next(iter(heads), None)


def _made_by_hand(connection: psycopg.Connection[Any]) -> bool:
    models = PROJECT.models() or ()
    collections = models if isinstance(models, tuple | list) else (models,)
    names = [
        f"{table.schema or 'public'}.{table.name}" for metadata in collections for table in metadata.tables.values()
    ]
    found = connection.execute("SELECT FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL", (names,))
    return found.fetchone() is not None


def _losses(connection: psycopg.Connection[Any], route: Route) -> dict[str, tuple[CountedLoss, ...]]:
    if not route.down:
        return {}
    return {
        module.revision: tuple(CountedLoss(what, count) for count, what in count_losses(connection, module))
        for module in route.modules
    }


def _state(connection: psycopg.Connection[Any], transactions: list[Any]) -> LiveState:
    # In binary form, since as text it is written in whatever DateStyle the database has.
    ((now,),) = connection.execute("SELECT clock_timestamp()", binary=True).fetchall()
    at: datetime = now
    return LiveState(
        at=at,
        transactions=tuple(
            OpenTransaction(row[0], row[6], str(Session(*row[:8])), (), snapshot=row[8]) for row in transactions
        ),
        wraparound=tuple(
            Wraparound(table or "a table", pid, age)
            for pid, table, age in connection.execute(_read("wraparound")).fetchall()
        ),
        replicas=tuple(Replica(*row) for row in connection.execute(_read("replicas")).fetchall()),
        invalid_indexes=tuple(
            InvalidIndex(*row)
            for row in connection.execute(_read("invalid_indexes"), {"schemas": list(PROJECT.schemas)}).fetchall()
        ),
    )


def _lock(told: str) -> tuple[str, str]:
    """`public.users AccessShareLock` → the table, and `ACCESS SHARE`."""
    table, _, mode = told.rpartition(" ")
    return table, spelled(mode)


def _read(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_bytes()
