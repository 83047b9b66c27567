"""A server as hosted Supabase has it: `postgres` is no superuser, and schema `auth` belongs to others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tripwire_db.embedded import scratch_cluster
from tripwire_db.embedded.cluster import Cluster

Privileges = Literal["old", "2026"]

HOSTED_SUPERUSER = "supabase_admin"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class HostedServer:
    """A running hosted-like server, and the projects that are made on it.

    Attributes:
        cluster: the server; its superuser is `supabase_admin`.

    Examples:
        >>> with hosted_server() as server:
        ...     server.create_project("course").startswith("postgresql://postgres@/course?")
        True
    """

    cluster: Cluster

    def create_project(self, database: str, *, privileges: Privileges = "2026", watchers: bool = True) -> str:
        """Create a database that looks like a new project.

        Args:
            database: its name.
            privileges: the default privileges in `public`: `old` gives the API's roles everything, `2026` leaves them
                TRUNCATE, REFERENCES and TRIGGER on tables.
            watchers: whether Supabase's own event triggers for PostgREST stand.

        Returns:
            Its URL for `postgres`, who owns it.

        Raises:
            psycopg.errors.DuplicateDatabase: it exists.
        """
        self.cluster.create_database(database)
        make_project(self.url(database, user=HOSTED_SUPERUSER), privileges=privileges, watchers=watchers)
        return self.url(database)

    @contextmanager
    def event_triggers_allowed(self) -> Iterator[None]:
        """Let `postgres` create event triggers, which it then owns, and may disable and drop ever after.

        Supabase does that by its extension supautils; here `postgres` is a superuser for that moment, in all databases.

        Examples:
            >>> with server.event_triggers_allowed():
            ...     migrations.upgrade(server.create_project("course", watchers=False))
        """
        from tripwire_db.postgres.connect import connect

        with connect(self.cluster.url(), autocommit=True) as connection:
            connection.execute("ALTER ROLE postgres SUPERUSER")
            try:
                yield
            finally:
                connection.execute("ALTER ROLE postgres NOSUPERUSER")

    def url(self, database: str, *, user: str = "postgres", tcp: bool = False) -> str:
        """Give a database's URL for one of its roles; `supabase_admin` is the superuser.

        Args:
            database: its name.
            user: who connects.
            tcp: over 127.0.0.1 instead of the socket, where the server listens there; as the superuser or `postgres`.
        """
        return self.cluster.url(database, user=user, tcp=tcp)


def make_project(url: str, *, privileges: Privileges = "2026", watchers: bool = True) -> None:
    """Make an empty database of a hosted-like server look like a new project.

    Args:
        url: of the database, for the superuser.
        privileges: see `HostedServer.create_project`.
        watchers: likewise.
    """
    from psycopg import sql

    from tripwire_db.postgres.connect import connect

    scripts = ["hosted_project.sql", f"hosted_privileges_{privileges}.sql"]
    if watchers:
        scripts.append("hosted_watchers.sql")
    with connect(url) as connection:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO postgres").format(database))
        for script in scripts:
            connection.execute((_HERE / script).read_bytes())


@contextmanager
def hosted_server(bin_dir: Path | None = None, *, tcp_port: int | None = None) -> Iterator[HostedServer]:
    """Run a hosted-like server that is deleted at the end.

    Args:
        bin_dir: the PostgreSQL to run; by default the wheel's (18).
        tcp_port: also listen on 127.0.0.1; 0 takes a free port.

    Yields:
        The server, with Supabase's roles and without a project.

    Raises:
        ServerUnavailable: it cannot be made or started.

    Examples:
        >>> with hosted_server() as server:
        ...     url = server.create_project("course", privileges="old")
    """
    with scratch_cluster(bin_dir, tcp_port=tcp_port, superuser=HOSTED_SUPERUSER) as cluster:
        yield as_hosted(cluster)


def as_hosted(cluster: Cluster) -> HostedServer:
    """Give a running server Supabase's roles, unless somebody has done so.

    Args:
        cluster: its superuser is `HOSTED_SUPERUSER`.
    """
    from psycopg import sql

    from tripwire_db.postgres.connect import connect

    with connect(cluster.url()) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        if connection.execute("SELECT FROM pg_roles WHERE rolname = 'postgres'").fetchone() is None:
            connection.execute((_HERE / "hosted_roles.sql").read_bytes())
            connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(cluster.password))
    return HostedServer(cluster)
