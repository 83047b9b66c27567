"""Nine students, one at each point of the course, made once; each test gets a clone of their database."""

import itertools
import os
from collections.abc import Iterator

import pytest
from pytest_postgresql.executors import NoopExecutor
from pytest_postgresql.janitor import DatabaseJanitor

from tests.schema.doctor.people import People, make_people, open_repository
from tests.support.servers.postgres import Postgres, worker

_numbers = itertools.count(1)


def _database(postgres: Postgres, name: str, template: str | None) -> DatabaseJanitor:
    return DatabaseJanitor(
        user=postgres.user,
        host=postgres.host,
        port=postgres.port,
        dbname=f"{name}_{worker()}_{os.getpid()}_{next(_numbers)}",
        template_dbname=template,
    )


@pytest.fixture(scope="session")
def nine_students(postgres: Postgres, migrated_18: NoopExecutor) -> Iterator[tuple[str, People]]:
    """The database to clone, and who is in it."""
    with _database(postgres, "nine", migrated_18.template_dbname) as janitor:
        with open_repository(postgres.url(janitor.dbname)) as repository:
            people = make_people(repository, 9)
        yield janitor.dbname, people


@pytest.fixture
def course(postgres: Postgres, nine_students: tuple[str, People]) -> Iterator[tuple[str, People]]:
    """The URL of a clone of the test's own, and who is in it."""
    template, people = nine_students
    with _database(postgres, "course", template) as janitor:
        yield postgres.url(janitor.dbname), people
