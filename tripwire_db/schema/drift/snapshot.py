"""What is read of a database for a comparison, in one read-only transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from tripwire_db.errors import Unavailable
from tripwire_db.postgres.catalog import Catalog, Key
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.errors import first_line
from tripwire_db.schema.project import Project

STATEMENT_TIMEOUT_SECONDS = 30
LOCK_TIMEOUT_SECONDS = 2

# By which PostgreSQL writes down expressions and names: what a login or a database sets of them is no difference.
_PINNED = {
    "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
    "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
    "search_path": "",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "xmloption": "content",
}

_COLUMN_ORDER = """
SELECT n.nspname || '.' || c.relname, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
GROUP BY 1
"""

_MAY_READ = """
SELECT has_table_privilege(oid, 'SELECT') AND NOT row_security_active(oid) FROM pg_class WHERE oid = to_regclass(%s)
"""

# Times say when, not what.
_ROWS = """
SELECT (to_jsonb(t) ->> {key}), to_jsonb(t) - 'created_at' - 'updated_at' FROM {table} AS t
"""

Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What stands in a database.

    Attributes:
        catalog: object by object.
        column_order: by table.
        rows: of the tables that the chain fills, by table and key; a table that this login does not see is not in it.
    """

    catalog: Catalog
    column_order: Mapping[str, list[str]]
    rows: Mapping[str, Rows]


@contextmanager
def reading(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection in one read-only transaction, with bounded waits, no search path, and PostgreSQL's own spelling.

    Raises:
        Unavailable: it cannot be opened, or a query fails in the block.
    """
    try:
        with connect(url, purpose="drift") as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            for name, value in _PINNED.items():
                connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(
            f"the database could not be read: {first_line(error)}; connect as the role that migrates, or as a member of "
            "pg_read_all_data",
            applied=False,
        ) from None
    except psycopg.Error as error:
        raise Unavailable(f"the database could not be read: {first_line(error)}", applied=False) from None


def take(connection: psycopg.Connection[Any], project: Project) -> Snapshot:
    """Read a database; see `reading`."""
    order = connection.execute(_COLUMN_ORDER, (list(project.schemas),)).fetchall()
    return Snapshot(
        project.read_catalog(connection),
        dict(order),
        {
            table: dict(connection.execute(_rows_of(table, key)).fetchall())
            for table, key in project.rows_of_chain.items()
            if may_read(connection, table)
        },
    )


def may_read(connection: psycopg.Connection[Any], table: str) -> bool:
    """Whether a table or sequence is there, and this login sees all of its rows."""
    return connection.execute(_MAY_READ, (table,)).fetchone() == (True,)


def _rows_of(table: str, key: str) -> sql.Composed:
    return sql.SQL(_ROWS).format(key=sql.Literal(key), table=sql.Identifier(*table.split(".")))


def notes(expected: Snapshot, found: Snapshot) -> Iterator[str]:
    """What differs and is no drift: the order of columns, and rows of the chain's that were changed since."""
    for table, columns in sorted(expected.column_order.items()):
        theirs = [name for name in found.column_order.get(table, ()) if name in columns]
        ours = [name for name in columns if name in theirs]
        if theirs != ours:
            yield f"the columns of {table} stand in another order: name them in INSERT and COPY"
    for table, rows in sorted(expected.rows.items()):
        if Key("table", table) in found.catalog and table not in found.rows:
            yield f"this login does not see the rows of {table}, so they were not compared"
        elif table in found.rows:
            yield from _of_rows(table, rows, found.rows[table])


def _of_rows(table: str, expected: Rows, found: Rows) -> Iterator[str]:
    for key in sorted({*expected, *found}):
        mine, theirs = expected.get(key), found.get(key)
        if theirs is None:
            yield f"{table} has no row {key}, which the chain makes"
        elif mine is None:
            yield f"{table} has a row {key}, which the chain does not make"
        elif changed := sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name)):
            yield f"{table}, row {key}: {', '.join(changed)} changed since the chain made it"
