"""A world for each test, once with the sync and once with the async repository."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor
from pytest_postgresql.janitor import DatabaseJanitor

from tests.backend.flows.both import KINDS
from tests.backend.flows.world import Clock, World, emptied, world
from tests.support.servers.postgres import Postgres, worker
from tripwire_db import bootstrap, migrations
from tripwire_db.embedded import scratch_cluster


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which repository the test runs with."""
    return str(request.param)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is moved, for a `clocked` world."""
    return Clock()


@pytest.fixture(scope="module")
def module_url(request: pytest.FixtureRequest, postgres_18: Postgres, migrated_18: NoopExecutor) -> Iterator[str]:
    """A migrated database that the tests of a module use one after another: a clone for each would take longer."""
    name = f"flows_{worker()}_{os.getpid()}_{request.module.__name__.rpartition('.')[2]}"
    with DatabaseJanitor(
        user=postgres_18.user,
        host=postgres_18.host,
        port=postgres_18.port,
        dbname=name,
        template_dbname=migrated_18.template_dbname,
    ):
        yield postgres_18.url(name)


@pytest.fixture(scope="module")
def url_without_neighbours() -> Iterator[str]:
    """A migrated database on a server of its own, for what is counted.

    Transactions of neighbours, in other databases too, put off the pruning of dead rows, and with it HOT updates.
    """
    with scratch_cluster() as cluster:
        url = cluster.create_database("alone")
        bootstrap(url)
        migrations.upgrade(url, quiet=True)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url


@pytest.fixture
def make_world(kind: str, module_url: str) -> Iterator[Callable[..., World]]:
    """Give a factory of worlds in the module's database, where nobody is yet: `make_world(policy=…)`."""
    emptied(module_url)
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(world(kind, module_url, **options))


@pytest.fixture
def it(make_world: Callable[..., World]) -> World:
    """The world of a test; its times are the database's."""
    return make_world()


@pytest.fixture
def clocked(make_world: Callable[..., World], clock: Clock) -> World:
    """The same with a clock of the test's own."""
    return make_world(clock=clock)
