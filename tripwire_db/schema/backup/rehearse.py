"""Rehearses an upgrade: a backup restored on a scratch server, upgraded, looked at, and taken down again."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alembic import command

from tripwire_db import migrations
from tripwire_db.embedded import scratch_cluster
from tripwire_db.schema.backup.archive import read_manifest
from tripwire_db.schema.backup.content import Content, pinned, state_of
from tripwire_db.schema.backup.restore import restore
from tripwire_db.schema.backup.results import AccountedTable, Progress, Rehearsal, Silent, TableState, TimedRevision
from tripwire_db.schema.drift import find_drift
from tripwire_db.schema.plan.route import find_route
from tripwire_db.schema.project import COURSE as PROJECT
from tripwire_db.schema.runner.losses import count_losses

States = Mapping[str, TableState]


def rehearse(file: Path, to: str = "head", *, progress: Progress | None = None) -> Rehearsal:
    """Upgrade a backup on a scratch server, and take it down again.

    Args:
        file: the backup.
        to: a revision's id, `head`, or a step such as `+1`.
        progress: is told how far it is.

    Raises:
        InvalidInput: there is no such file, or no such revision.
        Refused: it is no whole backup, or its revision is newer than this package.
        Unavailable: no scratch server can be started.
        alembic.util.CommandError: a revision fails on these rows; nothing of the real database was touched.

    Examples:
        >>> rehearse(Path("course.tar")).good  # doctest: +SKIP
        True
    """
    progress = progress or Silent()
    manifest = read_manifest(file)
    progress.began("server", 1)
    with scratch_cluster() as cluster:
        progress.advanced()
        url = cluster.create_database("rehearsal")
        PROJECT.ready(url)
        restore(url, file, progress=progress)
        route = find_route(manifest.revision, to)
        before = _states(url)
        progress.began("upgrade", 1)
        up = _migrate(url, "upgrade", route.after or "base")
        progress.advanced()
        after = _states(url)
        progress.began("look", 2)
        drift = tuple(f"{found.kind} {found.name}: {found.change}" for found in find_drift(url).findings)
        progress.advanced()
        damage = (
            Counter(finding.kind for finding in PROJECT.call(PROJECT.examine, url)) if PROJECT.examine else Counter()
        )
        progress.advanced()
        with pinned(url, read_only=True, purpose="rehearse") as connection:
            connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
            losses = {
                what: count for module in reversed(route.modules) for count, what in count_losses(connection, module)
            }
        progress.began("downgrade", 1)
        down = _migrate(url, "downgrade", manifest.revision, arguments=("accept-loss=yes",)) if route.modules else ()
        progress.advanced()
        back = _states(url)
        version = cluster.version
    tables = tuple(_account(before, after, back))
    return Rehearsal(
        manifest=manifest,
        scratch_version=version,
        after=route.after or "base",
        up=up,
        down=down,
        drift=drift,
        damage=dict(sorted(damage.items())),
        losses=losses,
        tables=tables,
        problems=tuple(_problems(tables, losses)),
    )


def _migrate(url: str, direction: str, to: str, *, arguments: tuple[str, ...] = ()) -> tuple[TimedRevision, ...]:
    configuration = migrations.config(url, arguments=arguments, quiet=True)
    getattr(command, direction)(configuration, to)
    outcome: Any = configuration.attributes["outcome"]
    return tuple(TimedRevision(name.rpartition(" ")[2], round(seconds, 3)) for name, seconds in outcome.revisions)


def _states(url: str) -> States:
    with pinned(url, read_only=True, purpose="rehearse") as connection:
        content = Content.read(connection)
        return {table: state_of(connection, table, columns) for table, columns in content.tables.items()}


def _account(before: States, after: States, back: States) -> Iterator[AccountedTable]:
    for table in sorted({*before, *after, *back}):
        first, middle, last = (states[table].rows if table in states else None for states in (before, after, back))
        same = table in before and table in back and before[table].checksum == back[table].checksum
        yield AccountedTable(table, first, middle, last, as_before=same)


def _problems(tables: tuple[AccountedTable, ...], losses: Mapping[str, int]) -> Iterator[str]:
    for table in tables:
        if table.before is not None and table.after is not None and table.after < table.before:
            yield f"the upgrade loses {table.before - table.after} rows of {table.table}"
        if table.before is not None and table.back is not None and table.back < table.before and not losses:
            yield f"the way back loses {table.before - table.back} rows of {table.table}, and declares no loss"
