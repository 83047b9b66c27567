"""A new, empty database with a small chain of revisions for each test of the runner."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.schema.runner.chain import ROOT, Chain
from tests.support.servers.versions import versions

# The project's own, before any copy of it: where a chain is run in this process, Python keeps the module it has.
sys.path.append(str(ROOT / "alembic"))
importlib.import_module("revision_tools")


@pytest.fixture(params=versions())
def server(request: pytest.FixtureRequest) -> int:
    """The server's version: the newest always, the older ones in heavy runs."""
    return int(request.param)


@pytest.fixture
def url(server: int, make_database: Callable[..., str]) -> str:
    """The URL of an empty database."""
    return make_database(migrated=None, server=server)


@pytest.fixture
def chain(tmp_path: Path, url: str) -> Chain:
    return Chain.make(tmp_path, url)
