"""How commands end: exit codes, one message, no traceback, no secret."""

import os
import subprocess
import sys

import pytest
import typer

from tests.cli.conftest import run_command, run_process
from tests.cli.documented import PAGE
from tripwire_db.cli.app import COMMANDS, app
from tripwire_db.safe_text import without_passwords

SECRET = "p%40ss-w0rd"
STUDENTS = PAGE.with_name("students.csv")
NOWHERE = f"postgresql://app:{SECRET}@127.0.0.1:1/course"

COMMANDS_WITH_A_DATABASE = [
    ("bootstrap",),
    ("upgrade",),
    ("downgrade", "base"),
    ("status",),
    ("demo",),
    ("leaderboard",),
    ("chart", "00000000-0000-4000-8000-000000000000"),
    ("stats", "dana@example.com"),
    ("activity", "dana@example.com"),
    ("student", "create", "a@b.kz", "--full-name", "A", "--manager", "dana@example.com"),
    ("student", "show", "a@b.kz"),
    ("student", "list"),
    ("student", "complete", "a@b.kz", "67"),
    ("student", "import", str(STUDENTS), "--manager", "dana@example.com"),
    ("student", "unlock", "a@b.kz"),
    ("student", "status", "a@b.kz", "blocked", "--manager", "dana@example.com"),
    ("student", "delete", "a@b.kz", "--manager", "dana@example.com", "--yes"),
    ("manager", "create", "a@b.kz", "--full-name", "A"),
    ("certificate", "issue", "a@b.kz"),
    ("certificate", "verify", "a-code"),
    ("certificate", "revoke", "a@b.kz", "--reason", "none"),
    ("lesson", "list"),
    ("lesson", "set", "67", "--manager", "dana@example.com"),
]


@pytest.mark.parametrize("command", ["bootstrap", "upgrade", "status", "demo", "leaderboard"])
def test_a_server_that_is_not_there_is_one_clear_message(command: str):
    ran = run_command(command, url=NOWHERE)

    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.count("Error: ") == 1
    assert "Connection refused" in ran.err
    assert "Traceback" not in ran.err
    assert SECRET not in ran.err
    assert "p@ss-w0rd" not in ran.err


@pytest.mark.parametrize("arguments", COMMANDS_WITH_A_DATABASE, ids=lambda arguments: " ".join(arguments[:2]))
def test_what_is_no_database_url_is_wrong_use(arguments: tuple[str, ...]):
    ran = run_command(*arguments, "--database-url", f"mysql://app:{SECRET}@db/course")

    assert ran.code == 2
    assert "begins with postgresql://" in ran.err
    assert SECRET not in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("leaderboard", NOWHERE),
        ("check", NOWHERE),
        (NOWHERE,),
        ("student", NOWHERE),
        ("--database-url", NOWHERE, "leaderboard"),
    ],
    ids=["argument", "folder", "command", "subcommand", "option"],
)
def test_a_url_in_the_wrong_place_is_not_repeated_with_its_password(arguments: tuple[str, ...]):
    ran = run_command(*arguments)

    assert ran.code == 2
    assert ran.err
    assert SECRET not in ran.out + ran.err


def test_a_database_without_the_schema_says_what_to_run(empty_database_url: str):
    ran = run_command("leaderboard", url=empty_database_url)

    assert ran.code == 1
    assert "tripwire-db upgrade" in ran.err


def test_a_wrong_setting_is_named_and_its_value_is_not(database_url: str):
    ran = run_command("leaderboard", url=database_url, TRIPWIRE_REDIS_URL=f"http://:{SECRET}@cache")

    assert ran.code == 2
    assert "TRIPWIRE_REDIS_URL" in ran.err
    assert SECRET not in ran.err


def test_what_should_not_happen_is_one_message_too(monkeypatch: pytest.MonkeyPatch):
    def fail(_: object) -> None:
        raise ZeroDivisionError(f"postgresql://app:{SECRET}@db/course")

    monkeypatch.setattr("tripwire_db.cli.targets.backend", fail)
    ran = run_command("leaderboard")

    assert ran.code == 1
    assert "ZeroDivisionError" in ran.err
    assert "TRIPWIRE_TRACEBACK=1" in ran.err
    assert SECRET not in ran.err


def test_the_traceback_is_there_for_whoever_asks():
    ran = run_process("leaderboard", "--database-url", "mysql://db/course", TRIPWIRE_TRACEBACK="1")

    assert ran.code == 1
    assert "Traceback" in ran.err
    assert "InvalidInput" in ran.err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("No such command 'postgresql://app:secret@db/course'", "No such command 'postgresql://app:***@db/course'"),
        ("postgresql://app:se@cr:et@db/course", "postgresql://app:***@db/course"),
        ("host=db password=secret dbname=course", "host=db password=*** dbname=course"),
        ("postgresql://app@db:5432/course", "postgresql://app@db:5432/course"),
        ("aigerim@example.com is blocked: see https://example.com/help", None),
    ],
)
def test_passwords_are_hidden_in_any_text(text: str, shown: str | None):
    assert without_passwords(text) == (shown or text)


def every_command() -> list[list[str]]:
    """The words of every command and group, as the application knows them."""
    words = []
    for name, command in typer.main.get_command(app).commands.items():
        words += [[name], *([name, below] for below in getattr(command, "commands", ()))]
    return words


def test_help_is_there_for_every_command():
    assert ["student", "unlock"] in every_command()
    for words in every_command():
        ran = run_command(*words, "--help")
        assert ran.code == 0, words
        assert f"Usage: tripwire-db {' '.join(words)}" in ran.out


def test_every_command_with_a_table_can_print_json():
    for words in every_command():
        if words not in (["student"], ["manager"], ["certificate"], ["lesson"]):
            assert "--json" in run_command(*words, "--help").out, words


def test_no_command_at_all_shows_the_help_and_is_wrong_use():
    ran = run_command()

    assert ran.code == 2
    assert "leaderboard" in ran.out + ran.err


def test_the_version_is_told():
    ran = run_process("--version")

    assert ran.code == 0
    assert ran.out.count(".") == 2


def test_the_log_of_flows_is_shown_on_demand_and_on_standard_error(database_url: str):
    ran = run_process("--verbose", "leaderboard", "--json", url=database_url)

    assert ran.out == "[]\n"
    assert "get_sales_leaderboard" in ran.err


def test_a_reader_who_leaves_early_is_no_error(database_url: str):
    command = f'"{sys.executable}" -m tripwire_db.cli status --json | head -c 1'
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "TRIPWIRE_DATABASE_URL": database_url},
    )

    assert done.stdout == "{"
    assert "Traceback" not in done.stderr


def test_starting_costs_no_more_than_it_must():
    """Loads neither what talks to a database nor what draws, until a command needs it."""
    code = "import sys, tripwire_db.cli; print(*(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert not {"sqlalchemy", "psycopg", "alembic", "supabase", "rich", "httpx"} & set(done.stdout.split())


def test_the_list_of_commands_is_all_there_is():
    listed = [name for commands in COMMANDS.values() for name in commands]

    assert set(typer.main.get_command(app).commands) == set(listed)
