"""Runs commands, in this process and as one of their own; gives people to run them on."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from tripwire_db.auth import PostgresAuth
from tripwire_db.cli import app
from tripwire_db.embedded import Cluster, embedded_bin_dir, home
from tripwire_db.repository import TripwireRepository
from tripwire_db.results import CreatedManager, CreatedStudent
from tripwire_db.video import WatchPolicy

LENGTH = 1800  # seconds, the length of each lesson
LESSONS = (67, 68, 69)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


def run_command(*arguments: object, url: str | None = None, stdin: str = "", **environment: str) -> Ran:
    """Run a command in this process, with the URL in its environment."""
    environment = {"COLUMNS": "120", **({"TRIPWIRE_DATABASE_URL": url} if url else {}), **environment}
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, env=environment)
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_process(*arguments: object, url: str | None = None, stdin: str = "", **environment: str) -> Ran:
    """Run a command as a process of its own."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("TRIPWIRE_", "COLUMNS"))}
    done = subprocess.run(
        [sys.executable, "-m", "tripwire_db.cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        env={**known, **({"TRIPWIRE_DATABASE_URL": url} if url else {}), **environment},
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@contextmanager
def new_embedded_folder() -> Iterator[Cluster]:
    """An embedded server of one's own, not started; outside of `scratch`, where what nobody uses is cleared away."""
    cluster = Cluster(embedded_bin_dir(), home() / f"of-a-test-{secrets.token_hex(4)}")
    try:
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def embedded_cluster() -> Iterator[Cluster]:
    """An embedded server of the test's own, for TRIPWIRE_EMBEDDED_DIR."""
    with new_embedded_folder() as cluster:
        yield cluster


@pytest.fixture
def run(database_url: str) -> Run:
    """Run a command on the test's own migrated database."""
    return lambda *arguments, **more: run_command(*arguments, **{"url": database_url, **more})


@pytest.fixture
def repository(database_url: str) -> Iterator[TripwireRepository]:
    """The repository on the same database, with no limit to how fast one may watch."""
    with (
        PostgresAuth(database_url) as auth,
        TripwireRepository.connect(database_url, auth=auth, policy=WatchPolicy(max_rate=None)) as repository,
    ):
        yield repository


@pytest.fixture
def manager(repository: TripwireRepository) -> CreatedManager:
    return repository.create_manager(email="dana@example.com", full_name="Dana K.")


@pytest.fixture
def student(repository: TripwireRepository, manager: CreatedManager) -> CreatedStudent:
    return repository.create_tripwire_user(
        email="aigerim@example.com", full_name="Aigerim S.", manager_id=manager.user_id
    )


@pytest.fixture
def watch(repository: TripwireRepository) -> Callable[..., None]:
    """Watch a lesson, 90 % of it unless said otherwise."""

    def watch(student: CreatedStudent, lesson_id: int, part: float = 0.9) -> None:
        repository.update_video_tracking(
            user_id=student.user_id, lesson_id=lesson_id, segments=[(0, LENGTH * part)], position=LENGTH * part
        )

    return watch


@pytest.fixture
def graduate(repository: TripwireRepository, student: CreatedStudent, watch: Callable[..., None]) -> CreatedStudent:
    """The student, with the whole course completed."""
    for lesson_id in LESSONS:
        watch(student, lesson_id)
        repository.complete_lesson(user_id=student.user_id, lesson_id=lesson_id)
    return student
