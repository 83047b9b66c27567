"""The commands: what they print, their JSON, their exit codes."""

from pathlib import Path

import pytest

from tests.cli.conftest import run_command
from tests.conftest import MakeDatabase
from tests.schema.backup.people import all_rows, fill, run
from tripwire_db import migrations
from tripwire_db.errors import Unavailable
from tripwire_db.schema.backup.programs import place_and_secrets, program_for


def test_restore_tells_first_and_does_it_when_asked(database_url: str, tmp_path: Path) -> None:
    fill(database_url, 2)
    file = tmp_path / "course.tar"
    made = run_command("backup", file, "--no-verify", "--json", url=database_url)
    whole = all_rows(database_url)
    run(database_url, "DELETE FROM public.user_achievements")
    damaged = all_rows(database_url)

    told = run_command("restore", file, url=database_url)
    as_json = run_command("restore", file, "--json", url=database_url)
    assert all_rows(database_url) == damaged
    done = run_command("restore", file, "--apply", url=database_url)

    assert (made.code, told.code, as_json.code, done.code) == (0, 1, 1, 0), (made.err, told.err, done.err)
    assert made.json["tables"]["public.users"]["rows"] == 3
    assert made.json["verified"] is False
    assert "Nothing was changed. With --apply it is done." in told.out
    assert {"table": "public.user_achievements", "now": 0, "then": 8, "same": False} in as_json.json["tables"]
    assert "Restored into" in done.out
    assert all_rows(database_url) == whole


def test_an_upgrade_takes_a_verified_backup_first_or_does_nothing(make_database: MakeDatabase, tmp_path: Path) -> None:
    first, second, *_ = migrations.revisions()
    url, empty = make_database(migrated=first), make_database(migrated=False)

    refused = run_command("upgrade", "+1", "--backup", tmp_path / "nowhere", url=url)
    assert migrations.current(url) == first
    upgraded = run_command("upgrade", "+1", "--backup", tmp_path, url=url)
    made = list(tmp_path.iterdir())
    nothing = run_command("upgrade", "+1", "--backup", tmp_path, url=empty)

    assert refused.code == 2
    assert "is no folder" in refused.err
    assert upgraded.code == 0, upgraded.err
    assert migrations.current(url) == second
    assert [file.name.rpartition("-")[2] for file in made] == [f"{first}.tar"]
    assert f"Backup: {made[0]}" in upgraded.err.replace("\n", "")
    assert "No backup: this database is at no revision yet." in nothing.err
    assert migrations.current(empty) == first
    assert list(tmp_path.iterdir()) == made


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["backup", "{folder}/nowhere/file.tar"], 2),
        (["backup", "{folder}", "--jobs", "0"], 2),
        (["restore", "{folder}/nothing.tar"], 2),
        (["restore", "{folder}"], 2),
        (["rehearse", "{folder}/nothing.tar"], 2),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_use_is_told_in_a_line(database_url: str, tmp_path: Path, words: list[str], code: int) -> None:
    ran = run_command(*(word.format(folder=tmp_path) for word in words), url=database_url)

    assert ran.code == code, ran.err
    assert ran.err.startswith("Error: ")
    assert "This should not happen" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_no_argument_of_a_program() -> None:
    place, secrets = place_and_secrets("postgresql://app:se%20cret@db.example:5432/course?sslmode=require")

    assert "cret" not in place
    assert "host=db.example" in place
    assert secrets == {"PGPASSWORD": "se cret"}


def test_a_program_that_is_older_than_the_server_is_told() -> None:
    with pytest.raises(
        Unavailable, match=r"is of PostgreSQL \d+, and the server of 99: put a pg_dump of PostgreSQL 99"
    ):
        program_for("pg_dump", 990_001)
