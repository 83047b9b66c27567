"""The pages on running a backend: their files are written down as they stand, started, and asked."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
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
            time.sleep(0.05)  # a port that opens is announced by nothing
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            yield client


def test_the_page_of_fastapi_completes_a_lesson(tmp_path: Path, database_url: str, student: CreatedStudent) -> None:
    write_files("how-to/backend/fastapi.md", tmp_path)
    with serving(["uvicorn", "app:app", "--port", "PORT"], tmp_path, database_url) as client:
        answer = client.post(f"/students/{student.user_id}/lessons/67/completion")
    assert (answer.status_code, answer.json()["modules_completed"]) == (200, 1)


def sessions(url: str) -> set[int]:
    """The sessions of a database, but the one that looks."""
    with psycopg.connect(url, autocommit=True) as connection:
        query = """SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
            AND pid <> pg_backend_pid()"""
        return {pid for (pid,) in connection.execute(query)}


def test_the_page_of_flask_answers_each_caller_with_their_own_student_after_the_fork(
    tmp_path: Path, database_url: str, repository: TripwireRepository, manager_id: UUID, student: CreatedStudent
) -> None:
    write_files("how-to/backend/flask.md", tmp_path)
    people = [
        repository.create_tripwire_user(email=f"s{n}@course.kz", full_name=f"S{n}", manager_id=manager_id).user_id
        for n in range(10)
    ]
    repository.close()
    before = sessions(database_url)
    with serving(["gunicorn", "app:app", "--bind", "127.0.0.1:PORT"], tmp_path, database_url) as client:
        with ThreadPoolExecutor(10) as threads:
            answers = list(threads.map(lambda user_id: client.get(f"/students/{user_id}"), people * 20))
        opened = sessions(database_url) - before
        completed = client.post(f"/students/{student.user_id}/lessons/67/completion")
        locked = client.post(f"/students/{student.user_id}/lessons/69/completion")
    deadline = time.monotonic() + PATIENCE
    while sessions(database_url) & opened:
        assert time.monotonic() < deadline, "the workers left connections open"

    assert [answer.json()["user_id"] for answer in answers] == [str(user_id) for user_id in people * 20]
    assert (completed.status_code, completed.json()["modules_completed"]) == (200, 1)
    assert (locked.status_code, locked.json()["title"]) == (409, "ModuleLocked")
    assert 1 <= len(opened) <= 2 * 8


def test_the_page_of_celery_logs_each_message_once_however_often_it_is_delivered(
    tmp_path: Path,
    database_url: str,
    redis_url: str,
    repository: TripwireRepository,
    student: CreatedStudent,
) -> None:
    write_files("how-to/backend/celery.md", tmp_path)
    environment = {"CELERY_BROKER_URL": redis_url}
    messages = [str(uuid4()) for _ in range(5)]
    sent = [(str(student.user_id), message) for message in messages for _ in range(3)]
    send = f"import tasks\nfor task in {sent}: tasks.send_welcome.delay(*task)\n"
    subprocess.run(
        [sys.executable, "-c", send],
        cwd=tmp_path,
        env={**os.environ, "TRIPWIRE_DATABASE_URL": database_url, **environment},
        check=True,
        timeout=PATIENCE,
    )

    def logged() -> set[str]:
        page = repository.get_manager_activity(manager_id=student.manager_id, action_types=["email_sent"])
        return {str(activity.id) for activity in page}

    worker = ["celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", "2"]
    deadline = time.monotonic() + PATIENCE
    with started(worker, tmp_path, database_url, **environment):
        while logged() != set(messages):
            assert time.monotonic() < deadline
            time.sleep(0.1)  # a row that another process writes is announced by nothing
    assert logged() == set(messages)
    assert repository.get_student(user_id=student.user_id).student.welcome_email_sent
