"""The pages on running a backend: their files are written down as they stand, started, and asked."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from tests.docs.snippets import write_files
from tests.support.servers.process import free_port, takes_connections
from tripwire_db import CreatedStudent, PostgresAuth, TripwireRepository

PATIENCE = 120.0


@pytest.fixture
def repository(database_url: str) -> Iterator[TripwireRepository]:
    with PostgresAuth(database_url) as auth, TripwireRepository.connect(database_url, auth=auth) as repository:
        yield repository


@pytest.fixture
def manager_id(repository: TripwireRepository) -> UUID:
    return repository.create_manager(email="dana@sales.kz", full_name="Dana").user_id


@pytest.fixture
def student(repository: TripwireRepository, manager_id: UUID) -> CreatedStudent:
    """One who may complete the first lesson now."""
    admin = repository.create_manager(email="admin@sales.kz", full_name="Admin", role="admin")
    repository.update_lesson(lesson_id=67, manager_id=admin.user_id, duration_seconds=30)
    student = repository.create_tripwire_user(email="anna@course.kz", full_name="Anna", manager_id=manager_id)
    repository.update_video_tracking(user_id=student.user_id, lesson_id=67, segments=[(0, 30)], position=30)
    return student


@contextmanager
def started(command: list[str], folder: Path, url: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program of the virtual environment, in a folder, until the block ends."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env={**os.environ, "TRIPWIRE_DATABASE_URL": url, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    except BaseException as error:
        error.add_note(log.read_text())
        raise
    finally:
        process.terminate()
        process.wait(PATIENCE)
    assert "Traceback" not in log.read_text(), log.read_text()


@contextmanager
def serving(command: list[str], folder: Path, url: str) -> Iterator[httpx.Client]:
    port = free_port()
    with started([word.replace("PORT", str(port)) for word in command], folder, url) as process:
        while not takes_connections(port):
            assert process.poll() is None, "it ended"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            yield client


def test_the_page_of_fastapi_completes_a_lesson(tmp_path: Path, database_url: str, student: CreatedStudent) -> None:
    write_files("how-to/backend/fastapi.md", tmp_path)
    with serving(["uvicorn", "app:app", "--port", "PORT"], tmp_path, database_url) as client:
        answer = client.post(f"/students/{student.user_id}/lessons/67/completion")
    assert (answer.status_code, answer.json()["modules_completed"]) == (200, 1)
