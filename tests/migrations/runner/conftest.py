"""A server for the runner's tests, and a new database with a small chain for each."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.migrations.runner.chain import Chain
from tripwire_db.embedded import Cluster, scratch_cluster


@pytest.fixture(scope="session")
def runner_server() -> Iterator[Cluster]:
    with scratch_cluster(tcp_port=0, settings={"max_prepared_transactions": 2}) as cluster:
        yield cluster


@pytest.fixture
def url(runner_server: Cluster) -> str:
    """A new, empty database, by TCP and with a password."""
    name = f"runner_{secrets.token_hex(4)}"
    runner_server.create_database(name)
    return runner_server.url(name, tcp=True)


@pytest.fixture
def chain(tmp_path: Path, url: str) -> Chain:
    return Chain.make(tmp_path, url)
