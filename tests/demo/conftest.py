"""One demo, played once for the tests that only look at what it left."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from tests.cli.conftest import embedded_cluster, run_process
from tests.support.servers.postgres import Postgres

STUDENTS = 60

__all__ = ["embedded_cluster", "played"]


@dataclass(frozen=True)
class Played:
    """What a demo said of itself, and where its rows are."""

    url: str
    said: dict[str, Any]

    def rows(self, table: str) -> list[Any]:
        """Every row of a table."""
        with psycopg.connect(self.url, row_factory=namedtuple_row) as connection:
            return connection.execute(f"SELECT * FROM {table}").fetchall()


@pytest.fixture(scope="module")
def played(postgres: Postgres) -> Iterator[Played]:
    name = f"demo_{secrets.token_hex(4)}"
    url = postgres.cluster.create_database(name)
    try:
        ran = run_process("demo", "--students", STUDENTS, "--seed", 1, "--json", url=url)
        assert ran.code == 0, ran.err
        yield Played(url, ran.json)
    finally:
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
