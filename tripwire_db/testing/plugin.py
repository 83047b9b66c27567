"""Pytest fixtures for applications that use tripwire-db; pytest loads them by itself.

tripwire_server_url          override it, to use a server of one's own; by default the embedded one (extra `embedded`)
tripwire_database_url        a database at the newest revision, of the test's own
tripwire_clock               a clock that stands still until it is moved
tripwire_repository          a repository on that database, with that clock
tripwire_async_repository    the same for asyncio (needs pytest-asyncio)
tripwire_student             makes students: tripwire_student(completed=2)
"""

# Loaded in every run of pytest where tripwire-db is installed: what is not asked for is not imported.
import importlib.util
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tripwire_db import AsyncTripwireRepository, TripwireRepository
    from tripwire_db.testing.clock import TestClock
    from tripwire_db.testing.students import StudentMaker


def _async_fixture() -> Callable[[Any], Any]:
    if importlib.util.find_spec("pytest_asyncio") is None:
        return pytest.fixture
    import pytest_asyncio

    return pytest_asyncio.fixture


@pytest.fixture(scope="session")
def tripwire_server_url() -> Iterator[str]:
    """The URL of a PostgreSQL where databases may be made; override it in a conftest.py to give another server's."""
    from tripwire_db.testing.databases import embedded_server

    with embedded_server() as url:
        yield url


@pytest.fixture(scope="session")
def _tripwire_template(tripwire_server_url: str) -> Iterator[str]:
    from tripwire_db.testing.databases import migrated_template

    with migrated_template(tripwire_server_url) as name:
        yield name


@pytest.fixture
def tripwire_database_url(tripwire_server_url: str, _tripwire_template: str) -> Iterator[str]:
    """The URL of a database at the newest revision, which nobody else uses and which is gone after the test."""
    from tripwire_db.testing.databases import clone

    with clone(tripwire_server_url, _tripwire_template) as url:
        yield url


@pytest.fixture
def tripwire_clock() -> "TestClock":
    """A clock that stands still until it is moved, as by `tripwire_clock.advance(60)`."""
    from tripwire_db.testing.clock import TestClock

    return TestClock()


@pytest.fixture
def tripwire_repository(tripwire_database_url: str, tripwire_clock: "TestClock") -> Iterator["TripwireRepository"]:
    """A repository on the test's database, with the test's clock; auth users are in the database itself."""
    from tripwire_db import PostgresAuth, TripwireRepository

    url = tripwire_database_url
    with (
        PostgresAuth(url) as auth,
        TripwireRepository.connect(url, auth=auth, pool_size=5, clock=tripwire_clock) as repository,
    ):
        yield repository


@_async_fixture()
async def tripwire_async_repository(
    tripwire_database_url: str, tripwire_clock: "TestClock"
) -> AsyncIterator["AsyncTripwireRepository"]:
    """The same for asyncio."""
    from tripwire_db import AsyncTripwireRepository, PostgresAuth

    url = tripwire_database_url
    with PostgresAuth(url) as auth:
        async with AsyncTripwireRepository.connect(url, auth=auth, pool_size=5, clock=tripwire_clock) as repository:
            yield repository


@pytest.fixture
def tripwire_student(tripwire_database_url: str, tripwire_clock: "TestClock") -> Iterator["StudentMaker"]:
    """Make students anywhere in the course: `tripwire_student(completed=2)`; the clock moves on as they watch."""
    from tripwire_db import PostgresAuth, TripwireRepository, WatchPolicy
    from tripwire_db.testing.students import StudentMaker

    url, policy = tripwire_database_url, WatchPolicy(max_rate=None)
    with (
        PostgresAuth(url) as auth,
        TripwireRepository.connect(url, auth=auth, pool_size=1, policy=policy, clock=tripwire_clock) as repository,
    ):
        yield StudentMaker(repository, tripwire_clock)
