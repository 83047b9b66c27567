"""Standard streams that are closed, full or without a width; and the shell's completion, which reads the output."""

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import Run, run_command, run_process

PROGRAM = f'"{sys.executable}" -m tripwire_db.cli'


def in_a_shell(command: str, url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "TRIPWIRE_DATABASE_URL": url},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_the_caller_has_closed_takes_what_is_written(database_url: str, closed: str):
    ran = in_a_shell(f"{PROGRAM} lesson list --json {closed}", database_url)

    assert ran.returncode == 0
    assert ran.stderr == ""
    assert ("duration_seconds" in ran.stdout) is (">&-" not in closed.replace("2>&-", ""))


def test_a_disk_that_is_full_is_told_as_that(database_url: str):
    ran = in_a_shell(f"{PROGRAM} lesson list >/dev/full", database_url)

    assert ran.returncode == 1
    assert ran.stderr == "Error: what the command prints could not be written: No space left on device\n"


def test_a_terminal_of_no_columns_shows_everything(run: Run):
    assert "No students." in run("student", "list", COLUMNS="0").out
    assert "no student nobody@course.kz" in run("student", "show", "nobody@course.kz", COLUMNS="0").err


@pytest.mark.parametrize(
    ("typed", "completed"), [("stu", "student"), ("student li", "list"), ("student list --modu", "--modules")]
)
def test_the_shell_completes_commands(typed: str, completed: str):
    words = f"tripwire-db {typed}"
    ran = run_process(_TRIPWIRE_DB_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))

    assert ran.out.split() == [completed]


def test_a_database_that_is_not_there_is_looked_for_at_the_end_of_the_url(database_url: str):
    ran = run_command("upgrade", url=database_url.replace("?", "_missing?"))

    assert ran.code == 1
    assert "check the end of the database URL" in ran.err
