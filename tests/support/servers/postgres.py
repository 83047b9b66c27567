"""PostgreSQL 15 to 18 for the tests: one cluster of each for the whole run, shared by all workers, fast not durable."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor
from pytest_postgresql.janitor import DatabaseJanitor

from tests.support.servers.finding import postgres_bin
from tripwire_db import migrations
from tripwire_db.embedded import Cluster, home
from tripwire_db.embedded.cluster import SUPERUSER
from tripwire_db.embedded.hosted import HOSTED_SUPERUSER, Privileges, as_hosted, make_project
from tripwire_db.schema.bootstrap import bootstrap

_SETTINGS = {
    "fsync": False,
    "synchronous_commit": False,
    "full_page_writes": False,
    "max_connections": 400,
    "max_prepared_transactions": 4,
}


@dataclass(frozen=True)
class Postgres:
    """A running server, in the words of pytest-postgresql's `depends_on` and in our own."""

    cluster: Cluster
    major: int
    host: str
    port: int
    user: str = "postgres"
    password: str = ""
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str | None = None

    def url(self, database: str = "postgres", *, user: str = "postgres", tcp: bool = False) -> str:
        return self.cluster.url(database, user=user, tcp=tcp)


class Hosted:
    """Whether the run's servers are as hosted Supabase has them (`--hosted=old` or `--hosted=2026`)."""

    privileges: Privileges | None = None


@contextmanager
def shared_postgres(major: int, run: str) -> Iterator[Postgres]:
    """Join the run's cluster of this version; the first worker starts it, the last one out deletes it."""
    cluster = Cluster(
        postgres_bin(major),
        home() / "scratch" / f"tests-{run[:8]}-{major}",
        # `postgres` could not drop a database in which an autovacuum worker, which is no role's of its own, is at work.
        settings=_SETTINGS | ({"autovacuum": False} if Hosted.privileges else {}),
        tcp_port=0,
        superuser=HOSTED_SUPERUSER if Hosted.privileges else SUPERUSER,
    )
    with cluster:
        if Hosted.privileges:
            as_hosted(cluster)
        yield Postgres(cluster, major, str(cluster.socket_dir), cluster.port)
    cluster.remove_if_abandoned()


def server_fixture(major: int) -> Callable[..., Iterator[Postgres]]:
    @pytest.fixture(scope="session", name=f"postgres_{major}")
    def postgres(testrun_uid: str) -> Iterator[Postgres]:
        """PostgreSQL of this version; skips where it is missing."""
        with shared_postgres(major, testrun_uid) as server:
            yield server

    return postgres


def load_bootstrapped(*, host: str, port: int, user: str, dbname: str, password: str | None, autocommit: bool) -> None:
    """Prepare a template the way Supabase comes."""
    if Hosted.privileges:
        make_project(_url(host, port, HOSTED_SUPERUSER, dbname), privileges=Hosted.privileges, watchers=False)
    else:
        bootstrap(_url(host, port, user, dbname))


def load_migrated(*, host: str, port: int, user: str, dbname: str, password: str | None, autocommit: bool) -> None:
    """Prepare a template at the head of the chain."""
    load_bootstrapped(host=host, port=port, user=user, dbname=dbname, password=password, autocommit=autocommit)
    migrations.upgrade(_url(host, port, user, dbname))


def template_fixture(major: int, kind: str) -> Callable[..., Iterator[NoopExecutor]]:
    """One template per worker and version: `bootstrapped` or `migrated`; pytest-postgresql makes and drops it."""
    load = {"bootstrapped": load_bootstrapped, "migrated": load_migrated}[kind]
    return factories.postgresql_noproc(depends_on=f"postgres_{major}", dbname=f"{kind}_{major}", load=[load])


class Clone(DatabaseJanitor):
    """A database as pytest-postgresql makes and drops it, copied file by file: a quarter of the time of the default.

    The default writes every page of the template into the WAL, which saves checkpoints; here, without fsync, those
    cost nothing.
    """

    def _build_create_database_sql(self) -> sql.Composed:
        return super()._build_create_database_sql() + sql.SQL(" STRATEGY file_copy")


def version_line(major: int) -> str:
    """Tell a version for the header of the run, without failing where it is missing."""
    try:
        from tripwire_db.embedded.account import server_account
        from tripwire_db.embedded.binaries import server_version

        return f"PostgreSQL {server_version(postgres_bin(major), server_account())}"
    except (pytest.skip.Exception, pytest.fail.Exception):
        return f"PostgreSQL {major}: missing"


def leftovers(server: Postgres, database: str) -> int:
    """Count the sessions that are still in a database."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (database,)).fetchone()
        assert row is not None
        return int(row[0])


def _url(host: str, port: int, user: str, dbname: str) -> str:
    return f"postgresql://{user}@/{quote(dbname, safe='')}?host={quote(host, safe='')}&port={port}"


def worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")
