"""One settled course for all tests of access: each of them undoes what it does."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from pytest_postgresql.janitor import DatabaseJanitor

from tests.access.api import Api
from tests.access.people import settle
from tests.servers.finding import MAJORS
from tests.servers.postgres import Postgres, worker
from tests.servers.postgrest import postgrest

# The newest server in every run, the others where there are minutes to spare.
VERSIONS = [pytest.param(major, marks=() if major == 18 else pytest.mark.heavy, id=f"pg{major}") for major in MAJORS]


@pytest.fixture(scope="session", params=VERSIONS)
def course_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database at head with everybody of the matrix in it, shared by the worker's tests."""
    postgres: Postgres = request.getfixturevalue(f"postgres_{request.param}")
    template = request.getfixturevalue(f"migrated_{request.param}").template_dbname
    name = f"access_{worker()}_{os.getpid()}"
    with DatabaseJanitor(
        user=postgres.user, host=postgres.host, port=postgres.port, dbname=name, template_dbname=template
    ):
        with psycopg.connect(postgres.url(name)) as connection:
            settle(connection)
        yield postgres.url(name)


@pytest.fixture(scope="session")
def course(course_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner to the settled course, in autocommit."""
    with psycopg.connect(course_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def api(course_url: str) -> Iterator[Api]:
    """The settled course through PostgREST; whatever a test writes is rolled back."""
    with postgrest(course_url, tx_end="commit-allow-override") as server:
        client = Api(server.url)
        yield client
        client.close()
