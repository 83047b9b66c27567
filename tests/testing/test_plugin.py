"""The pytest plugin, as an application uses it: in a run of pytest of its own, with files of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.servers.postgres import Postgres

APPLICATION = """
import pytest

EMAIL = "only@application.example"

@pytest.mark.parametrize("n", range(4))
def test_each_test_has_a_database_of_its_own(n, tripwire_repository, tripwire_student):
    assert not tripwire_repository.list_students()
    tripwire_student(email=EMAIL)
    assert [student.email for student in tripwire_repository.list_students()] == [EMAIL]

@pytest.mark.parametrize("completed", range(4))
def test_a_student_is_anywhere_in_the_course(completed, tripwire_repository, tripwire_student):
    student = tripwire_student(completed=completed)
    journey = tripwire_repository.get_student(user_id=student.user_id)
    assert journey.lessons_completed == completed
    assert (journey.certificate is not None) == (completed == 3)

def test_time_passes_when_the_test_says_so(tripwire_repository, tripwire_student, tripwire_clock):
    student = tripwire_student()

    def watch(seconds):
        return tripwire_repository.update_video_tracking(
            user_id=student.user_id, lesson_id=67, segments=[(0, seconds)], position=seconds
        ).counted_seconds

    first = watch(100)
    assert watch(100) == first < 100
    tripwire_clock.advance(60)
    assert watch(100) == 100

@pytest.mark.asyncio
async def test_the_async_repository_sees_the_same_database(tripwire_async_repository, tripwire_student):
    student = tripwire_student(completed=1)
    assert [found.user_id for found in await tripwire_async_repository.list_students()] == [student.user_id]
"""
EXAMPLE = re.findall(
    r"```python\n(.*?)```",
    (Path(__file__).parents[2] / "docs/tutorial/test-your-application.md").read_text(encoding="utf-8"),
    re.DOTALL,
)[0]
TESTS = 11
LIBPQ = {"PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGSERVICE": "gone", "PGOPTIONS": "-c statement_timeout=1"}
"""What a developer's shell may say of other databases."""


def run_application(folder: Path, *arguments: str, conftest: str = "", **told: str) -> str:
    (folder / "test_application.py").write_text(APPLICATION + "\n" + EXAMPLE)
    (folder / "conftest.py").write_text(conftest)
    (folder / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(folder)],
        cwd=folder,
        env={**environment, **told},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_application_gets_databases_repositories_clock_and_students_with_xdist_and_without(
    tmp_path: Path, workers: str
) -> None:
    assert f"{TESTS} passed" in run_application(tmp_path, "-n", workers, **LIBPQ)


def test_an_application_brings_a_server_of_its_own_and_finds_it_clean_afterwards(
    tmp_path: Path, postgres: Postgres
) -> None:
    conftest = f"import pytest\n\n@pytest.fixture(scope='session')\ndef tripwire_server_url():\n    return {postgres.url()!r}\n"
    assert f"{TESTS} passed" in run_application(tmp_path, "-n", "0", conftest=conftest)
    with psycopg.connect(postgres.url()) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^tripwire_(test|template)_'")
        assert left.fetchall() == []
