"""A migrated database for each module, on the oldest and the newest server; each test, and each example, is undone."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
from pytest_postgresql.janitor import DatabaseJanitor

from tests.support.servers.postgres import worker
from tests.support.servers.versions import OLDEST_AND_NEWEST, versions

Scratch = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]


@pytest.fixture(scope="module", params=versions(*OLDEST_AND_NEWEST, always=OLDEST_AND_NEWEST))
def module_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a migrated database that the tests of a module share, each in a transaction that is rolled back."""
    postgres = request.getfixturevalue(f"postgres_{request.param}")
    template = request.getfixturevalue(f"migrated_{request.param}")
    name = f"analytics_{worker()}_{os.getpid()}_{request.module.__name__.rpartition('.')[2]}"
    with DatabaseJanitor(
        user=postgres.user,
        host=postgres.host,
        port=postgres.port,
        dbname=name,
        template_dbname=template.template_dbname,
    ):
        yield postgres.url(name)


@pytest.fixture(scope="module")
def scratch(module_url: str) -> Iterator[Scratch]:
    """A factory of transactions that are rolled back; the functions' now() is the time at which each began."""
    with psycopg.connect(module_url, autocommit=True) as connection:

        @contextmanager
        def rolled_back() -> Iterator[psycopg.Connection[Any]]:
            with connection.transaction(force_rollback=True):
                yield connection

        yield rolled_back
