"""Restores a backup: looks first, then writes all rows in one transaction, and counts them before it commits."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tripwire_db import migrations
from tripwire_db.errors import Refused
from tripwire_db.postgres.url import parse, place_of
from tripwire_db.schema.backup import archive
from tripwire_db.schema.backup.content import (
    Content,
    identifier,
    pinned,
    revision_of,
    sequences_of,
    state_of,
)
from tripwire_db.schema.backup.load import Unpacked, load_outside, load_table, make_missing, refuse_unwritten
from tripwire_db.schema.backup.results import Manifest, OutsideRows, Progress, Restore, Silent, TableChange, Target
from tripwire_db.schema.project import COURSE as PROJECT
from tripwire_db.schema.runner.version_table import VersionTable

_OUR_KEY = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('tripwire-db restore'))"


def look(url: str, file: Path) -> Restore:
    """Tell what a restore would do; the database is only read.

    Raises:
        InvalidInput: there is no such file.
        Refused: it is no whole backup, its revision is newer than this package, or the database is another one.
        Unavailable: the database cannot be read.
    """
    manifest = _known(file)
    with archive.unpacked(file, manifest) as folder, pinned(url, read_only=True, purpose="restore") as connection:
        content = Content.read(connection)
        target = _target(connection, content, folder, manifest)
        tables = tuple(
            _change(connection, content, table, manifest, empty=target == "empty") for table in sorted(manifest.tables)
        )
        outside = tuple(_missing(connection, content, folder, table, manifest) for table in manifest.outside)
        return Restore(place_of(parse(url)), target, applied=False, manifest=manifest, tables=tables, outside=outside)


def restore(url: str, file: Path, *, progress: Progress | None = None) -> Restore:
    """Restore a backup into an empty database, or into one at its revision, whose rows it replaces.

    The layout comes from the chain, so that grants, policies and triggers are as the platform needs them. All rows are
    written in one transaction, which is committed only when every table's count and checksum are the backup's.

    Args:
        url: the database, over a direct or session connection, as the role that migrates.
        file: the backup.
        progress: is told how far it is.

    Raises:
        InvalidInput: there is no such file.
        Refused: it is no whole backup, its revision is newer than this package, the database is another one, or something
            could not be written. No row was changed.
        Unavailable: the database cannot be reached, or a table is in use.

    Examples:
        >>> restore("postgresql://postgres@localhost:5432/new", Path("course.tar")).applied  # doctest: +SKIP
        True
    """
    progress = progress or Silent()
    start = time.monotonic()
    manifest = _known(file)
    with archive.unpacked(file, manifest) as folder:
        with pinned(url, read_only=True, purpose="restore") as connection:
            content = Content.read(connection)
            target = _target(connection, content, folder, manifest)
            backup = Unpacked.of(folder, connection)
        if target != "matching":
            migrations.upgrade(url, manifest.revision, quiet=True)
        with pinned(url, read_only=False, purpose="restore") as connection:
            done = _write(connection, backup, manifest, target, progress)
    return replace(done, database=place_of(parse(url)), seconds=time.monotonic() - start)


def _known(file: Path) -> Manifest:
    manifest = archive.read_manifest(file)
    if manifest.revision not in migrations.revisions():
        raise Refused(
            f"{file} is of revision {manifest.revision}, which this version of tripwire-db does not know: restore it with "
            f"the version that made it ({manifest.made_by}), or a newer one"
        )
    return manifest


def _target(connection: psycopg.Connection[Any], content: Content, folder: Path, manifest: Manifest) -> Target:
    """What the database is to this backup.

    Raises:
        Refused: another one, which is left alone.
    """
    if said := PROJECT.wrong_encoding(connection):
        raise Refused(said)
    needed = next(iter(PROJECT.outside_rows), None)
    if needed in manifest.outside and needed not in content.outside:
        raise Refused(f"{needed} is not here: run `tripwire-db bootstrap` first, or take a database of Supabase's")
    revision, known = revision_of(connection), migrations.revisions()
    there = (*content.tables, *content.others)
    if revision is None and there:
        raise Refused(
            f"this database is not empty ({len(there)} tables, {there[0]} among them) and not the backup's: restore into a "
            "new database"
        )
    if revision is None:
        return "empty"
    if revision == manifest.revision:
        if missing := tuple(_missing_here(connection, content, manifest)):
            raise Refused(
                f"this database is at the backup's revision, and lacks {', '.join(missing)}: restore into a new database"
            )
        if others := _people_of_another(connection, content, folder, manifest):
            raise Refused(
                f"this database is another one: it has rows of {others} people, none of whom is in the backup, and they would "
                "be lost: restore into a new database"
            )
        return "matching"
    older = revision in known and known.index(revision) < known.index(manifest.revision)
    if older and not _has_rows(connection, content):
        return "behind"
    raise Refused(
        f"this database is at revision {revision} and has rows, and the backup is of {manifest.revision}: restore into a new "
        f"database, or bring this one to {manifest.revision} first (`tripwire-db upgrade` or `downgrade`)"
    )


def _missing_here(connection: psycopg.Connection[Any], content: Content, manifest: Manifest) -> Iterator[str]:
    """What the backup has and this database lacks; without rows, it may be what was made by hand, and is made again."""
    has_rows = _has_rows(connection, content)
    for table, state in manifest.tables.items():
        here = content.tables.get(table)
        if here is None:
            if has_rows or table.partition(".")[0] in PROJECT.model_schemas:
                yield table
        elif has_rows:
            yield from (f"{table}.{column}" for column in state.columns if column not in here)


def _has_rows(connection: psycopg.Connection[Any], content: Content) -> bool:
    """Whether there are rows that the chain has not made."""
    for table in content.tables:
        if table not in PROJECT.rows_of_chain:
            query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(identifier(table))
            if connection.execute(query).fetchone() == (True,):
                return True
    return False


def _change(
    connection: psycopg.Connection[Any], content: Content, table: str, manifest: Manifest, *, empty: bool
) -> TableChange:
    then = manifest.tables[table]
    if empty or table not in content.tables:
        return TableChange(table, 0, then.rows, same=then.rows == 0)
    now = state_of(connection, table, content.tables[table])
    return TableChange(table, now.rows, then.rows, same=(now.rows, now.checksum) == (then.rows, then.checksum))


def _missing(
    connection: psycopg.Connection[Any], content: Content, folder: Path, table: str, manifest: Manifest
) -> OutsideRows:
    """How many rows of others are not there, by the first column, which is their id."""
    then = manifest.outside[table]
    if table not in content.outside:
        return OutsideRows(table, then.rows, then.rows, reason="there is no such table here" if then.rows else "")
    key, ids = _ids(folder, table, manifest)
    query = sql.SQL("SELECT count(*) FROM {} AS t WHERE t.{}::text = ANY (%s)").format(
        identifier(table), sql.Identifier(key)
    )
    (found,) = connection.execute(query, (ids,)).fetchone() or (0,)
    return OutsideRows(table, then.rows, then.rows - int(found))


def _ids(folder: Path, table: str, manifest: Manifest) -> tuple[str, list[str]]:
    """The column that tells rows of others apart, and what the backup's rows have there."""
    columns = tuple(manifest.outside[table].columns)
    position = columns.index("id") if "id" in columns else 0
    with (folder / archive.copy_name(table)).open("rb") as lines:  # as text, other characters would end a line, too
        return columns[position], [line.rstrip(b"\n").split(b"\t")[position].decode() for line in lines]


def _people_of_another(connection: psycopg.Connection[Any], content: Content, folder: Path, manifest: Manifest) -> int:
    """How many rows of others the rows here refer to; 0 where the backup knows one of them, or there is none."""
    table = next(iter(content.outside), None)
    if table is None or table not in manifest.outside:
        return 0
    key, ids = _ids(folder, table, manifest)
    query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE t.{}::text = ANY (%s)) FROM {} AS t WHERE {}").format(
        sql.Identifier(key), identifier(table), content.needed(table)
    )
    here, known = connection.execute(query, (ids,)).fetchone() or (0, 0)
    return 0 if known else int(here)


def _write(
    connection: psycopg.Connection[Any], backup: Unpacked, manifest: Manifest, target: Target, progress: Progress
) -> Restore:
    connection.execute(_OUR_KEY)
    # Nobody upgrades meanwhile.
    connection.execute(f"LOCK TABLE {VersionTable.of(PROJECT)} IN SHARE MODE")
    if revision_of(connection) != manifest.revision:
        raise Refused("somebody else has changed this database's revision meanwhile; nothing was changed: call again")
    columns = {table: state.columns for table, state in manifest.tables.items()}
    added = tuple(make_missing(connection, backup, Content.read(connection), columns))
    content = Content.read(connection)
    everything = sql.SQL(", ").join(identifier(table) for table in manifest.tables)
    # At once, so that no application that works meanwhile has half of them.
    connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(everything))
    before = {table: state_of(connection, table, content.tables[table]) for table in manifest.tables}
    first = next(iter(content.outside), None)
    if first is not None:
        needed = content.needed(first)
        connection.execute(
            sql.SQL("CREATE TEMPORARY TABLE pg_temp.needed ON COMMIT DROP AS SELECT t.* FROM {} AS t WHERE {}").format(
                identifier(first), needed
            )
        )
    connection.execute(sql.SQL("TRUNCATE {}").format(everything))
    outside = []
    for table, state in manifest.outside.items():
        outside.append(load_outside(connection, backup, table, content, list(state.columns)))
        refuse_unwritten(outside)
    order = [table for table in content.in_order() if table in manifest.tables]
    progress.began("restore", len(order))
    for table in order:
        load_table(connection, backup, table)
        progress.advanced()
    _move_sequences(connection, manifest.sequences)
    _compare(connection, content, manifest, progress)
    stranded = 0
    if first is not None:
        gone = sql.SQL("SELECT count(*) FROM pg_temp.needed AS t WHERE NOT ({})").format(content.needed(first))
        (stranded,) = connection.execute(gone).fetchone() or (0,)
    return Restore(
        database="",
        target=target,
        applied=True,
        manifest=manifest,
        tables=tuple(
            TableChange(table, before[table].rows, then.rows, same=before[table].checksum == then.checksum)
            for table, then in sorted(manifest.tables.items())
        ),
        outside=tuple(outside),
        added=added,
        stranded=stranded,
    )


def _compare(connection: psycopg.Connection[Any], content: Content, manifest: Manifest, progress: Progress) -> None:
    """Count and sum up again, before anything is committed.

    Raises:
        Refused: something is not as it was.
    """
    progress.began("compare", len(manifest.tables))
    wrong = []
    for table, then in manifest.tables.items():
        now = state_of(connection, table, content.tables[table])
        if (now.rows, now.checksum) != (then.rows, then.checksum):
            told = f"{now.rows} rows instead of {then.rows}" if now.rows != then.rows else "other values"
            wrong.append(f"{table} ({told})")
        progress.advanced()
    if wrong:
        raise Refused(f"restored, these tables would not be as they were: {', '.join(wrong)}. No row was changed")


def _move_sequences(connection: psycopg.Connection[Any], sequences: Mapping[str, int | None]) -> None:
    """Never back: a number that was given since is not given twice."""
    here = sequences_of(connection)
    for name, then in sequences.items():
        now = here.get(name)
        if name in here and then is not None and (now is None or now < then):
            connection.execute(
                "SELECT pg_catalog.setval(%s::text::regclass, %s)", (identifier(name).as_string(connection), then)
            )
