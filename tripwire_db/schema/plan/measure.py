"""Runs the revisions on a scratch server, with few rows and with many: what grows between the two grows with the rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tripwire_db import migrations
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.plan.live import Sizes, sizes_of, version_of
from tripwire_db.schema.plan.route import Route
from tripwire_db.schema.project import COURSE as PROJECT
from tripwire_db.schema.tracing import TracedRevision, TracedStatement, TracingServer, trace, tracing_server

FEW = 20
"""Rows of the measured table in the first run, which tells what a statement costs whatever the size."""
MANY = 10_000
"""Rows of it in the second, at most: enough to measure, and made in seconds."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Both runs.

    Attributes:
        server_version: of the scratch server.
        many: rows of the measured table in the second run.
        revisions: of the second run.
        few: the statements of the first one; none where the live database is no larger.
        sizes: of the tables of the second run, before the revisions ran.
    """

    server_version: str
    many: int
    revisions: tuple[TracedRevision, ...]
    few: Mapping[tuple[str, int], TracedStatement]
    sizes: Sizes

    def at_rest(self, revision: TracedRevision, number: int) -> TracedStatement | None:
        """The same statement of the run with few rows; None where that one did something else."""
        found = self.few.get((revision.revision, number))
        return found if found is not None and found.sql == revision.statements[number].sql else None


def measure(route: Route, rows: int) -> Measured:
    """Run a route twice.

    Args:
        route: from the live database's revision.
        rows: of the measured table in the live database; the second run has as many, within bounds.

    Raises:
        ServerUnavailable: no scratch server can be started.
        alembic.util.CommandError: a revision fails on the scratch server.
    """
    many = max(FEW, min(rows, MANY))
    with tracing_server() as server:
        few = _run(server, "few", route, FEW)[0] if many > FEW else []
        revisions, sizes = _run(server, "many", route, many)
        with connect(server.cluster.url()) as connection:
            version = version_of(connection)
    return Measured(
        server_version=version,
        many=many,
        revisions=tuple(revisions),
        few=dict(_numbered(few)),
        sizes=sizes,
    )


def _run(server: TracingServer, name: str, route: Route, rows: int) -> tuple[list[TracedRevision], Sizes]:
    url = server.create_database(name)
    PROJECT.ready(url)
    if route.before is not None:
        _fill(url, route.before, rows)
        migrations.upgrade(url, route.before, quiet=True)
    with connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        sizes = sizes_of(connection)
    config = migrations.config(url, arguments=("accept-loss=yes",), quiet=True)
    with server.tracer(url) as tracer:
        trace(tracer, config, "downgrade" if route.down else "upgrade", route.after or "base")
    return tracer.revisions, sizes


def _fill(url: str, before: str, rows: int) -> None:
    """Put rows in where the project knows how to, on the way up to a revision."""
    if PROJECT.measured is None:
        return
    ids = migrations.revisions()
    for revision in ids[: ids.index(before) + 1]:
        if fill := PROJECT.measured.fill.get(revision):
            migrations.upgrade(url, revision, quiet=True)
            with connect(url) as connection:
                PROJECT.fill(fill, connection, rows)


def _numbered(revisions: Iterable[TracedRevision]) -> Iterable[tuple[tuple[str, int], TracedStatement]]:
    for revision in revisions:
        for number, statement in enumerate(revision.statements):
            yield (revision.revision, number), statement
