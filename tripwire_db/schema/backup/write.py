"""Makes a backup: one snapshot for the dump, the COPYs, the counts and the checksums."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tripwire_db.embedded import scratch_cluster
from tripwire_db.errors import InvalidInput, Refused
from tripwire_db.postgres.url import parse, place_of
from tripwire_db.schema.backup import archive
from tripwire_db.schema.backup.content import (
    LOCK_TIMEOUT_SECONDS,
    Content,
    bytes_of,
    identifier,
    pinned,
    revision_of,
    sequences_of,
    state_of,
)
from tripwire_db.schema.backup.programs import place_and_secrets, program_for, running
from tripwire_db.schema.backup.restore import restore
from tripwire_db.schema.backup.results import Backup, Manifest, Progress, Silent
from tripwire_db.schema.project import COURSE as PROJECT
from tripwire_db.schema.runner.version_table import VersionTable

_MOST_JOBS = 64


def make_backup(
    url: str, place: Path, *, jobs: int = 1, verify: bool = True, progress: Progress | None = None
) -> Backup:
    """Take a backup of the project's schemas, and of the rows of others' tables that they need.

    The database is only read, in one snapshot. The file is for its owner alone (0600), has its name only once it is
    whole and verified, and never takes the place of another.

    Args:
        url: the database, over a direct or session connection, as the role that migrates.
        place: the file, or a folder, in which it is named after database, time and revision.
        jobs: how many tables pg_dump reads at once, 1–64.
        verify: whether it is restored into a scratch server and counted again.
        progress: is told how far it is.

    Raises:
        InvalidInput: the file is there already, or cannot be written.
        Refused: the database is not under Alembic, the role does not see all rows, or the backup cannot be restored.
        Unavailable: the server, or a program that is needed, is not there.

    Examples:
        >>> make_backup("postgresql://postgres@localhost:5432/course", Path("/var/backups")).verified  # doctest: +SKIP
        True
    """
    if not 1 <= jobs <= _MOST_JOBS:
        raise InvalidInput(f"jobs must be from 1 to {_MOST_JOBS}", argument="jobs")
    progress = progress or Silent()
    start = time.monotonic()
    folder = place if place.is_dir() else place.parent
    if place != folder:
        archive.refuse_existing(place)
    with archive.draft_in(folder) as drafts:
        draft = drafts / "backup.tar"
        with pinned(url, read_only=True, purpose="backup") as connection:
            manifest = _write(connection, url, drafts, draft, jobs=jobs, progress=progress)
        notes = tuple(_notes(manifest))
        if verify:
            notes += _verify(draft, progress)
        file = folder / _name(url, manifest) if place == folder else place
        archive.publish(draft, file)
    return Backup(file, file.stat().st_size, round(time.monotonic() - start, 3), verify, manifest, notes)


def _name(url: str, manifest: Manifest) -> str:
    database = re.sub(r"[^\w.-]+", "_", parse(url).get("dbname") or "database")
    return f"{database}-{manifest.at:%Y%m%dT%H%M%SZ}-{manifest.revision}.tar"


def _write(
    connection: psycopg.Connection[Any], url: str, folder: Path, draft: Path, *, jobs: int, progress: Progress
) -> Manifest:
    revision = revision_of(connection)
    if revision is None:
        raise Refused("this database is not under Alembic: run `tripwire-db adopt`, or `upgrade` if it is empty")
    content = Content.read(connection)
    program = program_for("pg_dump", connection.info.server_version)
    (snapshot,) = connection.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone() or ("",)
    at = datetime.now(UTC)
    dump = folder / archive.DUMP
    progress.began("dump", len(content.tables))
    command: list[str | Path] = [
        program,
        *_options(content, snapshot, jobs),
        "--file",
        dump,
        "--dbname",
        place_and_secrets(url)[0],
    ]
    with running(command, url=url, read="stderr") as process:
        for line in process.stderr or ():
            if b"dumping contents of table" in line:
                progress.advanced()
            elif b"error: " in line:
                said = line.decode(errors="replace").partition("error: ")[2].strip()
                raise Refused(f"pg_dump failed: {said[:500]}")
    progress.began("count", len(content.tables) + len(content.outside))
    states = {}
    for table, columns in content.tables.items():
        states[table] = state_of(connection, table, columns)
        progress.advanced()
    outside = {}
    for table, columns in content.outside.items():
        needed = content.needed(table)
        outside[table] = state_of(connection, table, columns, needed)
        _copy(connection, table, list(columns), needed, folder / archive.copy_name(table))
        progress.advanced()
    sequences, size = sequences_of(connection), bytes_of(connection, list(content.tables))
    writer = archive.Writer(draft)
    try:
        sources = [(f"{archive.DUMP}/{file.name}", file) for file in sorted(dump.iterdir())]
        sources += [(name, folder / name) for name in map(archive.copy_name, outside)]
        progress.began("pack", len(sources))
        for name, file in sources:
            writer.add(name, file)
            progress.advanced()
        major, minor = divmod(connection.info.server_version, 10_000)
        manifest = Manifest(
            made_by=f"tripwire-db {version('tripwire-db')}",
            at=at,
            database=place_of(parse(url)),
            server_version=f"{major}.{minor}",
            revision=revision,
            bytes=size,
            tables=states,
            outside=outside,
            sequences=sequences,
            left_out=content.others,
            files=writer.members,
        )
        writer.finish(manifest)
    finally:
        writer.close()
    return manifest


def _options(content: Content, snapshot: str, jobs: int) -> Iterator[str]:
    yield from ("--format=directory", "--verbose", "--no-password", f"--jobs={jobs}", f"--snapshot={snapshot}")
    yield f"--lock-wait-timeout={LOCK_TIMEOUT_SECONDS}s"
    yield from (f"--schema={_pattern(schema)}" for schema in PROJECT.schemas)
    for table in content.others:
        schema, _, name = table.partition(".")
        yield f"--exclude-table={_pattern(schema)}.{_pattern(name)}"
    for table in (str(VersionTable.of(PROJECT)), *PROJECT.catalog_tables):
        yield f"--exclude-table-data={table}"


def _pattern(name: str) -> str:
    """A name as pg_dump takes it for itself, and not for a pattern."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _copy(
    connection: psycopg.Connection[Any], table: str, columns: list[str], needed: sql.Composable, to: Path
) -> None:
    query = sql.SQL("COPY (SELECT {} FROM {} AS t WHERE {}) TO STDOUT").format(
        sql.SQL(", ").join(sql.Identifier("t", column) for column in columns), identifier(table), needed
    )
    with to.open("wb") as file, connection.cursor() as cursor, cursor.copy(query) as rows:
        for block in rows:
            file.write(block)


def _notes(manifest: Manifest) -> Iterator[str]:
    if manifest.left_out:
        yield f"not the project's, and left out: {', '.join(manifest.left_out)}"


def _verify(draft: Path, progress: Progress) -> tuple[str, ...]:
    """Restore it into a scratch server, where rows are counted and summed up before they are committed.

    Raises:
        Refused: it cannot be restored, or not as it was.
    """
    progress.began("verify", 1)
    with scratch_cluster() as cluster:
        progress.advanced()
        scratch = cluster.create_database("verified")
        PROJECT.ready(scratch)
        done = restore(scratch, draft, progress=progress)
    return tuple(f"no revision makes {one}: a restore makes it, without what else belongs to it" for one in done.added)
