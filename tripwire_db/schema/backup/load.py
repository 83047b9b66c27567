"""Puts the rows of an unpacked backup into a database, in the caller's transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tripwire_db.errors import Refused
from tripwire_db.postgres.errors import first_line
from tripwire_db.schema.backup import archive
from tripwire_db.schema.backup.content import Columns, Content, identifier
from tripwire_db.schema.backup.programs import program_for, running
from tripwire_db.schema.backup.results import OutsideRows

_BATCH = 256 * 1024

_KEY = """
SELECT a.attname::text
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = pg_catalog.to_regclass(%s) AND i.indisprimary
"""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A backup's folder, and the program that reads its dump."""

    folder: Path
    program: Path

    @classmethod
    def of(cls, folder: Path, connection: psycopg.Connection[Any]) -> "Unpacked":
        """Find the program for a server."""
        return cls(folder, program_for("pg_restore", connection.info.server_version))

    def command(self, table: str, *options: str) -> list[str | Path]:
        """The command that writes what belongs to a table on its standard output."""
        schema, _, name = table.partition(".")
        return [self.program, *options, "-n", schema, "-t", name, "-f", "-", self.folder / archive.DUMP]

    def definition(self, table: str) -> bytes:
        """The statement that makes a table, without what belongs to it: indexes, keys, grants."""
        options = ("--section=pre-data", "--no-owner", "--no-privileges")
        with running(self.command(table, *options)) as process:
            lines = list(process.stdout or ())
        # Commands of psql, and a setting that older servers do not know.
        return b"".join(line for line in lines if not line.startswith((b"\\", b"SET transaction_timeout")))


def load_table(connection: psycopg.Connection[Any], backup: Unpacked, table: str) -> None:
    """COPY a table's rows from the dump."""
    with running(backup.command(table, "--data-only")) as process:
        lines = iter(process.stdout or ())
        for line in lines:
            if line.startswith(b"COPY ") and line.rstrip().endswith(b"FROM stdin;"):
                with connection.cursor() as cursor, cursor.copy(line.rstrip().removesuffix(b";")) as copy:
                    for block in _batches(lines):
                        copy.write(block)


def load_outside(
    connection: psycopg.Connection[Any], backup: Unpacked, table: str, content: Content, columns: Sequence[str]
) -> OutsideRows:
    """Write the rows of a table of others that are missing.

    They are loaded as text into a temporary table, so that a column or a type that is another here spoils nothing.
    """
    held = sql.Identifier("pg_temp", f"backup of {table}"[:60])
    names = [sql.Identifier(column) for column in columns]
    texts = sql.SQL(", ").join(sql.SQL("{} text").format(name) for name in names)
    connection.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(held, texts))
    with (
        (backup.folder / archive.copy_name(table)).open("rb") as file,
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} FROM STDIN").format(held)) as copy,
    ):
        while block := file.read(_BATCH):
            copy.write(block)
    (needed,) = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(held)).fetchone() or (0,)
    here = content.outside.get(table)
    if here is None:
        return OutsideRows(
            table, needed, needed, unwritten=needed, reason="there is no such table here" if needed else ""
        )
    key = [name for (name,) in connection.execute(_KEY, (identifier(table).as_string(connection),))]
    return _insert(connection, table, held, here, columns=columns, key=key, needed=needed)


def _insert(
    connection: psycopg.Connection[Any],
    table: str,
    held: sql.Identifier,
    here: Columns,
    *,
    columns: Sequence[str],
    key: Sequence[str],
    needed: int,
) -> OutsideRows:
    common = [column for column in columns if column in here]
    parts = {
        "table": identifier(table),
        "held": held,
        "names": sql.SQL(", ").join(map(sql.Identifier, common)),
        "values": sql.SQL(", ").join(_typed("b", column, here) for column in common),
        "same_key": sql.SQL(" AND ").join(
            sql.SQL("t.{} = {}").format(sql.Identifier(column), _typed("b", column, here)) for column in key
        ),
        "differs": sql.SQL(" OR ").join(
            sql.SQL("t.{} IS DISTINCT FROM {}").format(sql.Identifier(column), _typed("b", column, here))
            for column in common
            if here[column] not in {"json", "xml"}  # types without equality
        ),
    }

    def count(query: str) -> int:
        (found,) = connection.execute(sql.SQL(query).format(**parts)).fetchone() or (0,)
        return int(found)

    missing_rows = "SELECT count(*) FROM {held} AS b WHERE NOT EXISTS (SELECT FROM {table} AS t WHERE {same_key})"
    missing = count(missing_rows)
    different = count("SELECT count(*) FROM {held} AS b JOIN {table} AS t ON {same_key} WHERE {differs}")
    told = OutsideRows(table, needed, missing, different, unwritten=0)
    lost = [
        f"{column} ({number})"
        for column in columns
        if column not in here and (number := _values_in(connection, held, column))
    ]
    reason = f"no such columns here, with values in so many rows: {', '.join(lost)}" if lost else ""
    insert = (
        "INSERT INTO {table} ({names}) SELECT {values} FROM {held} AS b "
        "WHERE NOT EXISTS (SELECT FROM {table} AS t WHERE {same_key}) ON CONFLICT DO NOTHING"
    )
    try:
        with connection.transaction():
            connection.execute(sql.SQL(insert).format(**parts))
    except psycopg.errors.InsufficientPrivilege as error:
        reason = f"this role may not write there ({first_line(error)})"
    unwritten = count(missing_rows)
    if unwritten and not reason:
        reason = "other rows here hold what must be unique, an e-mail for example"
    return replace(told, unwritten=unwritten, reason=reason)


def _values_in(connection: psycopg.Connection[Any], held: sql.Identifier, column: str) -> int:
    """How many rows have a value in a column."""
    (found,) = connection.execute(
        sql.SQL("SELECT count({}) FROM {}").format(sql.Identifier(column), held)
    ).fetchone() or (0,)
    return int(found)


def make_missing(
    connection: psycopg.Connection[Any], backup: Unpacked, content: Content, tables: dict[str, Columns]
) -> Iterator[str]:
    """Make tables and columns that the backup has and the layout does not, by hand as they were; yield their names."""
    for table, columns in tables.items():
        here = content.tables.get(table)
        if here is None:
            connection.execute(backup.definition(table))
            yield table
            continue
        for column, kind in columns.items():
            if column not in here:
                add = sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                    identifier(table),
                    sql.Identifier(column),
                    sql.SQL(kind),  # as the server wrote it
                )
                connection.execute(add)
                yield f"{table}.{column}"


def refuse_unwritten(outside: Sequence[OutsideRows]) -> None:
    """Refuse where rows that ours refer to could not be written.

    Raises:
        Refused: some could not.
    """
    first = outside[0] if outside else None
    if first is not None and first.unwritten:
        raise Refused(
            f"{first.unwritten} of {first.needed} rows of {first.table} are missing here and could not be written: "
            f"{first.reason}. Nothing was changed"
        )


def _batches(lines: Iterator[bytes]) -> Iterator[bytes]:
    batch, size = [], 0
    for line in lines:
        if line == b"\\.\n":
            break
        batch.append(line)
        size += len(line)
        if size >= _BATCH:
            yield b"".join(batch)
            batch, size = [], 0
    yield b"".join(batch)


def _typed(alias: str, column: str, here: Columns) -> sql.Composed:
    return sql.SQL("{}::{}").format(sql.Identifier(alias, column), sql.SQL(here[column]))
