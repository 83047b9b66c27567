"""What tests of faults stand on: a database of the module's own, its sessions watched, and patience cut short."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.backend.flows.both import KINDS
from tests.backend.flows.world import World, emptied, world
from tests.faults.recount import Sessions, broken
from tests.support.servers.postgres import Clone, Postgres, worker
from tripwire_db.engine import connection, retry


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which repository the test runs with."""
    return str(request.param)


@pytest.fixture(scope="module")
def module_url(request: pytest.FixtureRequest, postgres_18: Postgres, migrated_18: NoopExecutor) -> Iterator[str]:
    """A migrated database that the tests of a module use one after another."""
    name = f"faults_{worker()}_{Path(request.module.__file__).stem}"
    with Clone(
        user=postgres_18.user,
        host=postgres_18.host,
        port=postgres_18.port,
        dbname=name,
        template_dbname=migrated_18.template_dbname,
    ):
        yield postgres_18.url(name)


@pytest.fixture
def url(module_url: str) -> str:
    """The module's database, with nobody in it."""
    emptied(module_url)
    return module_url


@pytest.fixture
def sessions(url: str) -> Iterator[Sessions]:
    """The database's sessions, watched; at the end none is left, and there was no deadlock."""
    watched = Sessions(url)
    yield watched
    left, deadlocks = watched.settled(watched.before), watched.deadlocks
    watched.close()
    assert left == watched.before, "a connection leaked"
    assert deadlocks == 0


@pytest.fixture
def it(url: str, sessions: Sessions) -> Iterator[World]:
    """The world as it is without faults, seen and arranged by a sync repository; recounted at the end."""
    with world("sync", url) as ground:
        yield ground
    assert broken(url) == []


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """The same rules with less patience, so that many faults fit into a run; `hasty(0.2)` waits so long for an answer."""

    def shorten(answer: float = 0.4) -> None:
        monkeypatch.setattr(connection, "ANSWER_TIMEOUT_SECONDS", answer)
        monkeypatch.setattr(connection, "CANCEL_TIMEOUT_SECONDS", answer / 2)
        monkeypatch.setattr(retry, "_FIRST_BACKOFF_SECONDS", 0.01)

    shorten()
    return shorten
