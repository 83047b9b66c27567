"""A database with the stand-in for each test, a connection that looks into it, and the Admin API in front of it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.support.servers.admin_api import AdminApi
from tests.support.servers.postgres import Postgres, worker
from tripwire_db.auth import PostgresAuth, SupabaseAuth
from tripwire_db.schema.bootstrap import bootstrap

TIMEOUT = 0.8


@pytest.fixture(scope="session")
def stand_in_url(postgres: Postgres) -> str:
    url = postgres.cluster.create_database(f"auth_{worker()}")
    bootstrap(url)
    return url


@pytest.fixture
def database_url(stand_in_url: str) -> Iterator[str]:
    """One database for most of these tests: they write one table, so emptying it is quicker than a clone."""
    yield stand_in_url
    with psycopg.connect(stand_in_url, autocommit=True) as connection:
        connection.execute("delete from auth.users")


class AuthUsers:
    """The rows of `auth.users`, seen from outside."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection

    def execute(self, sql: str, *parameters: Any) -> None:
        self._connection.execute(sql, parameters)

    def all(self) -> list[dict[str, Any]]:
        return self._connection.execute("select * from auth.users order by created_at, id").fetchall()

    def one(self) -> dict[str, Any]:
        (user,) = self.all()
        return user

    def ids(self) -> set[UUID]:
        return {user["id"] for user in self.all()}


@pytest.fixture
def auth_users(database_url: str) -> Iterator[AuthUsers]:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        yield AuthUsers(connection)


@pytest.fixture
def admin_api(database_url: str) -> Iterator[AdminApi]:
    with AdminApi(database_url) as running:
        yield running


@pytest.fixture
def supabase_auth(admin_api: AdminApi) -> Iterator[SupabaseAuth]:
    with SupabaseAuth(admin_api.url, admin_api.service_role_key, timeout=TIMEOUT) as auth:
        yield auth


@pytest.fixture
def postgres_auth(database_url: str) -> Iterator[PostgresAuth]:
    with PostgresAuth(database_url) as auth:
        yield auth
