"""The scratch server that revisions are traced on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tripwire_db.embedded import Cluster, Setting, scratch_cluster
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.tracing.tracer import Tracer

if TYPE_CHECKING:
    from alembic.config import Config

# What others do in the background would be taken for the statement's own.
_SETTINGS: dict[str, Setting] = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "autovacuum": False,
}
_LOCK_TIMEOUT_MS = 60_000  # nobody else is there; only the machine may be slow


@dataclass(frozen=True, slots=True)
class TracingServer:
    """A scratch server whose counters tell what functions and DO blocks execute.

    Attributes:
        cluster: the server; databases are made on it.
    """

    cluster: Cluster

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database, empty or as a copy; give its URL."""
        return self.cluster.create_database(name, template=template)

    def tracer(self, url: str) -> Tracer:
        """Give a tracer for one of its databases, to be used in a `with`."""
        return Tracer(url, statements_url=self.cluster.url())


@contextmanager
def tracing_server() -> Iterator[TracingServer]:
    """Run a server that is deleted at the end.

    Raises:
        ServerUnavailable: it cannot be made or started.

    Examples:
        >>> with tracing_server() as server:
        ...     url = server.create_database("scratch")
    """
    with scratch_cluster(settings=_SETTINGS) as cluster:
        with connect(cluster.url(), autocommit=True) as connection:
            # Not in the databases that are looked at: they have nothing that the chain did not make.
            connection.execute("CREATE EXTENSION pg_stat_statements")
        yield TracingServer(cluster)


def trace(tracer: Tracer, config: "Config", command: str, revision: str) -> None:
    """Run `upgrade` or `downgrade` of Alembic under a tracer.

    Args:
        tracer: of the same database.
        config: for that database; it gets the attribute `tracer`.
        command: `upgrade` or `downgrade`.
        revision: as Alembic takes it: an id, `head`, `base`, `+1`.

    Raises:
        alembic.util.CommandError: a revision failed; those before it, and its statements until then, are recorded.
    """
    from alembic import command as commands

    config.attributes |= {"tracer": tracer, "lock_timeout": _LOCK_TIMEOUT_MS, "statement_timeout": 0}
    getattr(commands, command)(config, revision)
