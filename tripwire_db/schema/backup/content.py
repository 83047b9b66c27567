"""What a backup is about, in a database: the project's tables, their rows counted and summed up, and what they need."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import MetaData

from tripwire_db.errors import Refused, Unavailable
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.errors import first_line, without_rows
from tripwire_db.schema.backup.results import TableState
from tripwire_db.schema.project import COURSE as PROJECT
from tripwire_db.schema.runner.version_table import VersionTable

LOCK_TIMEOUT_SECONDS = 30
"""How long a table is waited for that a migration, say, has locked."""

# By which PostgreSQL writes values down, whatever the login or the database have set; and an error is better than some
# of the rows.
_PINNED = {
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "row_security": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
}

_TABLES = """
SELECT
    n.nspname || '.' || c.relname,
    ARRAY(
        SELECT ARRAY[a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)]
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        ORDER BY a.attnum
    )
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""

_STATE = """
SELECT
    count(*),
    coalesce(sum(
        ('x' || pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(
            pg_catalog.convert_to(pg_catalog.to_jsonb(t)::text, 'UTF8')
        ), 'hex'), 16))::bit(64)::bigint::numeric
    ), 0)::text
FROM {table} AS t WHERE {condition}
"""

_REFERENCES = """
SELECT
    cn.nspname || '.' || child.relname, ca.attname::text, pn.nspname || '.' || parent.relname, pa.attname::text
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS child ON child.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS cn ON cn.oid = child.relnamespace
JOIN pg_catalog.pg_class AS parent ON parent.oid = k.confrelid
JOIN pg_catalog.pg_namespace AS pn ON pn.oid = parent.relnamespace
JOIN pg_catalog.pg_attribute AS ca ON ca.attrelid = k.conrelid AND ca.attnum = k.conkey[1]
JOIN pg_catalog.pg_attribute AS pa ON pa.attrelid = k.confrelid AND pa.attnum = k.confkey[1]
WHERE k.contype = 'f'
ORDER BY 1, 2
"""

_SEQUENCES = """
SELECT n.nspname || '.' || c.relname, pg_catalog.pg_sequence_last_value(c.oid)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind = 'S'
ORDER BY 1
"""

_BYTES = "SELECT coalesce(sum(pg_catalog.pg_total_relation_size(pg_catalog.to_regclass(t))), 0)::int8 FROM unnest(%s::text[]) AS t"

Columns = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key, by its first column."""

    child: str
    column: str
    parent: str
    key: str


@dataclass(frozen=True, slots=True)
class Content:
    """The tables of a database.

    Attributes:
        tables: the project's, with their columns.
        others: those beside them in its schemas.
        outside: tables of others whose rows it needs, with their columns; those that are there.
        references: all foreign keys.
    """

    tables: Mapping[str, Columns]
    others: tuple[str, ...]
    outside: Mapping[str, Columns]
    references: tuple[Reference, ...]

    @classmethod
    def read(cls, connection: psycopg.Connection[Any]) -> "Content":
        """Read the catalog, see `pinned`."""
        found = _tables(connection, PROJECT.schemas)
        of_the_layout = (str(VersionTable.of(PROJECT)), *PROJECT.catalog_tables)
        names = _modelled()
        ours = {
            name: columns
            for name, columns in found.items()
            if name not in of_the_layout
            and (names is None or name in names or name.partition(".")[0] not in PROJECT.model_schemas)
        }
        elsewhere = _tables(connection, [name.partition(".")[0] for name in PROJECT.outside_rows])
        return cls(
            tables=ours,
            others=tuple(name for name in found if name not in ours and name not in of_the_layout),
            outside={name: elsewhere[name] for name in PROJECT.outside_rows if name in elsewhere},
            references=tuple(Reference(*row) for row in connection.execute(_REFERENCES)),
        )

    def needed(self, outside: str) -> sql.Composable:
        """Which rows of a table of others (as `t`) the project's rows refer to, or belong to those."""
        terms: list[sql.Composable] = []
        before = list(self.outside)[: list(self.outside).index(outside)]
        for reference in self.references:
            if reference.parent == outside and reference.child in self.tables:
                terms.append(_among(reference.key, reference.column, reference.child, sql.SQL("TRUE")))
            elif reference.child == outside and reference.parent in before:
                terms.append(_among(reference.column, reference.key, reference.parent, self.needed(reference.parent)))
        return sql.SQL(" OR ").join(terms) if terms else sql.SQL("FALSE")

    def in_order(self) -> list[str]:
        """The project's tables, those that others refer to first.

        Raises:
            Refused: they refer to each other in a circle.
        """
        parents = {
            table: {r.parent for r in self.references if r.child == table and r.parent in self.tables} - {table}
            for table in self.tables
        }
        ordered: list[str] = []
        while len(ordered) < len(parents):
            ready = [table for table in parents if table not in ordered and parents[table] <= set(ordered)]
            if not ready:
                circle = ", ".join(sorted(set(parents) - set(ordered)))
                raise Refused(f"these tables refer to each other in a circle, so their rows have no order: {circle}")
            ordered += ready
        return ordered


def identifier(table: str) -> sql.Identifier:
    """A table's name, as in `public.users`, for a statement."""
    schema, _, name = table.partition(".")
    return sql.Identifier(schema, name)


@contextmanager
def pinned(url: str, *, read_only: bool, purpose: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection in one transaction of one snapshot, in which values are written as PostgreSQL does by itself.

    Committed at the end of the block; an error rolls it back.

    Raises:
        Unavailable: it cannot be opened, is lost, or a table is locked for too long.
        Refused: the role may not do it, or the server refuses.
    """
    did = "nothing was changed" if not read_only else "nothing was written"
    try:
        with connect(url, purpose=purpose) as connection:
            connection.read_only = read_only
            if read_only:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            for name, value in _PINNED.items():
                connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            f"this role may not do that ({first_line(error)}); {did}: connect as the role that migrates"
        ) from without_rows(error)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise Unavailable(
            f"a table is in use by somebody else, and was waited for up to {LOCK_TIMEOUT_SECONDS} s; {did}: call again",
            applied=False,
        ) from without_rows(error)
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"the connection was lost ({first_line(error)}); call again", applied=False if read_only else None
        ) from without_rows(error)
    except psycopg.Error as error:
        raise Refused(f"the server refused ({first_line(error)}); {did}") from without_rows(error)


def revision_of(connection: psycopg.Connection[Any]) -> str | None:
    """The revision that the database is at; None where Alembic has never been.

    Raises:
        Refused: it is at several.
    """
    heads = VersionTable.of(PROJECT).read(connection)
    if len(heads) > 1:
        raise Refused(f"the database is at several revisions at once: {', '.join(sorted(heads))}")
    return next(iter(heads), None)


def state_of(
    connection: psycopg.Connection[Any], table: str, columns: Columns, condition: sql.Composable | None = None
) -> TableState:
    """Count a table's rows, and sum them up."""
    query = sql.SQL(_STATE).format(table=identifier(table), condition=condition or sql.SQL("TRUE"))
    rows, checksum = connection.execute(query).fetchone() or (0, "0")
    return TableState(rows, checksum, columns)


def sequences_of(connection: psycopg.Connection[Any]) -> dict[str, int | None]:
    """The last number of each of the project's sequences; None where it has given none."""
    return dict(connection.execute(_SEQUENCES, (list(PROJECT.schemas),)).fetchall())


def bytes_of(connection: psycopg.Connection[Any], tables: Sequence[str]) -> int:
    """The bytes of tables, with their indexes."""
    names = [identifier(table).as_string(connection) for table in tables]
    (found,) = connection.execute(_BYTES, (names,)).fetchone() or (0,)
    return int(found)


def _tables(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> dict[str, Columns]:
    rows = connection.execute(_TABLES, (list(schemas),)).fetchall()
    return {name: {column: kind for column, kind in columns} for name, columns in rows}  # noqa: C416 pairs are lists


def _modelled() -> frozenset[str] | None:
    """The tables that the models speak of; None where there are no models."""
    models = PROJECT.models()
    if models is None:
        return None
    together = [models] if isinstance(models, MetaData) else models
    default = PROJECT.model_schemas[0]
    return frozenset(f"{table.schema or default}.{table.name}" for each in together for table in each.tables.values())


def _among(column: str, other: str, table: str, condition: sql.Composable) -> sql.Composed:
    return sql.SQL("t.{} IN (SELECT t.{} FROM {} AS t WHERE {})").format(
        sql.Identifier(column), sql.Identifier(other), identifier(table), condition
    )
