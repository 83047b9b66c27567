"""Killed in the middle: no half file, no half database, and the next call does it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from tests.schema.backup.people import all_rows, fill, run
from tripwire_db.schema.backup import make_backup, restore

PATIENCE = 120.0
"""Seconds; nothing is proved by how long it takes."""


def start(command: str, url: str, file: Path, **environment: str) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-m", "tripwire_db.cli", *command.split(), str(file), "--database-url", url]
    known = {name: value for name, value in os.environ.items() if not name.startswith("TRIPWIRE_")}
    known |= {"TRIPWIRE_MIGRATIONS_URL": url, **environment}
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=known)


def wait_until(url: str, answer: int, sessions: str, *parameters: str) -> None:
    """Wait until so many other sessions are like this; a command takes its time to start where the machine is busy."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        f"AND backend_type = 'client backend' AND {sessions}"
    )
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(query.encode(), parameters).fetchone() != (answer,):
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.05)


def wait_for_lock(url: str, query: str) -> None:
    """Wait until somebody waits for a lock with such a statement."""
    wait_until(url, 1, "wait_event_type = 'Lock' AND query LIKE %s", query)


def wait_for_end_of_sessions(url: str) -> None:
    wait_until(url, 0, "true")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_backup_that_is_killed_leaves_no_file(database_url: str, tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "course.tar"
    with psycopg.connect(database_url) as blocker:
        blocker.execute("LOCK TABLE public.video_tracking IN ACCESS EXCLUSIVE MODE")
        process = start("backup --no-verify", database_url, file)
        wait_for_lock(database_url, "LOCK TABLE%video_tracking%")
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)
    wait_for_end_of_sessions(database_url)

    assert process.returncode != 0
    assert not file.exists()
    if number == signal.SIGTERM:
        assert list(tmp_path.iterdir()) == []
    assert make_backup(database_url, file, verify=False).file == file
    assert list(tmp_path.iterdir()) == [file], "what the killed one left is cleared away"


def test_a_restore_that_is_killed_while_it_writes_has_changed_nothing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    fill(database_url, 2)
    backup = make_backup(database_url, tmp_path / "course.tar", verify=False)
    whole = all_rows(database_url)
    run(database_url, "DELETE FROM public.video_tracking; UPDATE public.users SET full_name = 'X'")
    damaged = all_rows(database_url)
    with psycopg.connect(database_url) as blocker:
        blocker.execute("LOCK TABLE auth.users IN SHARE MODE")
        process = start("restore --apply", database_url, backup.file, TMPDIR=str(temporary))
        wait_for_lock(database_url, "INSERT INTO%auth%users%")
        process.kill()
        process.communicate(timeout=PATIENCE)
    wait_for_end_of_sessions(database_url)

    assert all_rows(database_url) == damaged
    assert list(temporary.iterdir()) != [], "its people's rows, for nobody else to read"
    restore(database_url, backup.file)
    assert all_rows(database_url) == whole
    assert list(temporary.iterdir()) == [], "what the killed one left is cleared away"
