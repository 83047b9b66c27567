"""Servers and databases for the tests: real ones, and for each test a clone of a migrated database of its own."""

import itertools
import os
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.support.servers import finding
from tests.support.servers.pgbouncer import PgBouncer
from tests.support.servers.pgbouncer import pgbouncer as run_pgbouncer
from tests.support.servers.postgres import (
    Clone,
    Hosted,
    Postgres,
    server_fixture,
    template_fixture,
    version_line,
    worker,
)
from tests.support.servers.postgrest import PostgREST
from tests.support.servers.postgrest import postgrest as run_postgrest
from tests.support.servers.proxy import Proxy
from tests.support.servers.redis import Redis
from tests.support.servers.redis import redis as run_redis
from tests.support.servers.versions import OLDEST_AND_NEWEST, versions
from tripwire_db import migrations

MakeDatabase = Callable[..., str]

# Loaded from here, so that xdist's controller, which collects nothing, prints the table of faults, too, and of a crash.
pytest_plugins = ["tests.faults.figures", "tests.support.crashes"]

# What a developer's shell says of libpq and of this project's databases must not steer the tests.
for _name in list(os.environ):
    if _name.startswith("PG") or (
        _name.startswith("TRIPWIRE_")
        and not _name.endswith("_BIN")
        and _name not in {"TRIPWIRE_NODE_MODULES", "TRIPWIRE_REQUIRE_SERVERS"}
    ):
        del os.environ[_name]

# A shell starts its background jobs with SIGINT ignored, and they and their children stay deaf to it; tests interrupt both.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

postgres_15, postgres_16, postgres_17, postgres_18 = map(server_fixture, finding.MAJORS)
bootstrapped_15, bootstrapped_16, bootstrapped_17, bootstrapped_18 = (
    template_fixture(major, "bootstrapped") for major in finding.MAJORS
)
migrated_15, migrated_16, migrated_17, migrated_18 = (template_fixture(major, "migrated") for major in finding.MAJORS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the kind of server that the tests' databases are on."""
    parser.addoption(
        "--hosted",
        choices=["old", "2026"],
        help="have the servers as hosted Supabase has them, with its old default privileges or those of 2026",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose it, before any fixture is made."""
    Hosted.privileges = config.getoption("hosted")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On hosted-like servers leave out what cannot be done there as `postgres`."""
    if Hosted.privileges is None:
        return
    left_out = [item for item in items if item.get_closest_marker("plain_server")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which servers the tests meet."""
    found = [version_line(major) for major in finding.MAJORS]
    for find in (finding.postgrest_program, finding.pgbouncer_program, finding.redis_program):
        try:
            program = find()
        except (pytest.skip.Exception, pytest.fail.Exception) as missing:
            found.append(f"{str(missing).split(' is not here')[0]}: missing")
        else:
            said = subprocess.run(
                [program, "--version"], capture_output=True, text=True, check=False, timeout=20
            ).stdout
            found.append(f"{program.name}: {said.splitlines()[0] if said else '?'}")
    return ["servers: " + ", ".join(found)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say that all tests without a server were skipped at one place, so that the summary has one line a server."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, finding.ServerMissing):
        report.longrepr = (finding.__file__, 1, f"Skipped: {call.excinfo.value.msg}")
    return report


@pytest.fixture(scope="session")
def postgres(postgres_18: Postgres) -> Postgres:
    """The server of most tests: PostgreSQL 18."""
    return postgres_18


@pytest.fixture(params=versions(always=OLDEST_AND_NEWEST))
def major(request: pytest.FixtureRequest) -> int:
    """Run the test on each version, those in between where heavy tests run: `make_database(server=major)`."""
    return int(request.param)


@pytest.fixture
def make_database(request: pytest.FixtureRequest) -> Iterator[MakeDatabase]:
    """Give a factory of databases, dropped at the end: `make_database(migrated=True, server=18)` → its URL.

    `migrated` is True (head), False (bootstrapped only), None (as `CREATE DATABASE` makes it), or a revision's id.
    """
    with ExitStack() as stack:

        def make(*, migrated: bool | str | None = True, server: int = 18) -> str:
            postgres: Postgres = request.getfixturevalue(f"postgres_{server}")
            template: NoopExecutor | None = None
            if migrated is not None:
                kind = "migrated" if migrated is True else "bootstrapped"
                template = request.getfixturevalue(f"{kind}_{server}")
            name = f"test_{worker()}_{os.getpid()}_{next(_numbers)}"
            stack.enter_context(
                Clone(
                    user=postgres.user,
                    host=postgres.host,
                    port=postgres.port,
                    dbname=name,
                    template_dbname=template.template_dbname if template else None,
                )
            )
            if isinstance(migrated, str):
                migrations.upgrade(postgres.url(name), migrated)
            return postgres.url(name)

        yield make


@pytest.fixture
def database_url(make_database: MakeDatabase) -> str:
    """The URL of a migrated database of the test's own, on PostgreSQL 18."""
    return make_database()


@pytest.fixture
def empty_database_url(make_database: MakeDatabase) -> str:
    """The URL of a database of the test's own that is bootstrapped and not migrated, on PostgreSQL 18."""
    return make_database(migrated=False)


@pytest.fixture
def make_postgrest() -> Iterator[Callable[..., PostgREST]]:
    """Give a factory of PostgREST servers: `make_postgrest(database_url)`."""
    with ExitStack() as stack:
        yield lambda url, **options: stack.enter_context(run_postgrest(url, **options))


@pytest.fixture(scope="session")
def pgbouncer(postgres: Postgres) -> Iterator[PgBouncer]:
    """PgBouncer in transaction mode, five server connections, in front of every database of PostgreSQL 18."""
    with run_pgbouncer(postgres.cluster.socket_dir, postgres.port) as server:
        yield server


@pytest.fixture
def redis_server() -> Iterator[Redis]:
    """A Redis of the test's own, which it may kill."""
    with run_redis() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: Redis) -> str:
    """The URL of an empty Redis."""
    return redis_server.url


@pytest.fixture
def make_proxy() -> Iterator[Callable[[str], Proxy]]:
    """Give a factory of proxies on the wire: `make_proxy(database_url).url`."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(Proxy(url))


@pytest.fixture
def proxy(database_url: str, make_proxy: Callable[[str], Proxy]) -> Proxy:
    """A proxy in front of the test's migrated database."""
    return make_proxy(database_url)


_numbers = itertools.count(1)
