"""One settled course for all tests of access: each of them undoes what it does."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.janitor import DatabaseJanitor

from tests.access.api import Api
from tests.access.people import settle
from tests.support.servers.postgres import Postgres, worker
from tests.support.servers.postgrest import postgrest
from tests.support.servers.versions import versions
from tripwire_db.schema.bootstrap import bootstrap


@contextmanager
def a_database(request: pytest.FixtureRequest, major: int, kind: str) -> Iterator[str]:
    """Give the URL of a database at head that lives as long as the fixture that asks for it."""
    postgres: Postgres = request.getfixturevalue(f"postgres_{major}")
    template = request.getfixturevalue(f"migrated_{major}").template_dbname
    name = f"{kind}_{worker()}_{os.getpid()}"
    with DatabaseJanitor(
        user=postgres.user, host=postgres.host, port=postgres.port, dbname=name, template_dbname=template
    ):
        yield postgres.url(name)


@pytest.fixture(scope="session", params=versions())
def course_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database at head with everybody of the matrix in it, shared by the worker's tests."""
    with a_database(request, request.param, "access") as url:
        with psycopg.connect(url) as connection:
            settle(connection)
        yield url


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


@dataclass(frozen=True)
class PlainOwner:
    """A bootstrapped database, and the role that owns it and is no superuser."""

    url: str
    superuser_url: str
    role: str


@pytest.fixture
def plain_owner(postgres: Postgres) -> Iterator[PlainOwner]:
    """A database that belongs to a role with no right but that one, bootstrapped and not migrated."""
    name = f"plain_{uuid4().hex[:12]}"
    owner = sql.Identifier(name)
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB").format(owner))
        try:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(owner, owner))
            bootstrap(postgres.url(name))
            yield PlainOwner(postgres.url(name, user=name), postgres.url(name), name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(owner))
            connection.execute(sql.SQL("DROP ROLE {}").format(owner))
