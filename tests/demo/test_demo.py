"""The demo as a command: from nothing, again, and never over somebody's data."""

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from tests.cli.conftest import run_command, run_process
from tests.conftest import MakeDatabase
from tripwire_db.auth import PostgresAuth
from tripwire_db.embedded import Cluster
from tripwire_db.repository import TripwireRepository


def scalar(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def sell_one(url: str) -> None:
    """Put a student there who is not the demo's."""
    with PostgresAuth(url) as auth, TripwireRepository.connect(url, auth=auth) as repository:
        manager = repository.create_manager(email="dana@example.com", full_name="Dana K.")
        repository.create_tripwire_user(email="real@example.com", full_name="Real", manager_id=manager.user_id)


def test_the_story_is_told_in_pictures_on_a_database_with_nothing_in_it(make_database: MakeDatabase):
    ran = run_process("demo", "--students", 12, url=make_database(migrated=None), COLUMNS="80")

    assert ran.code == 0, ran.err
    assert "\x1b" not in ran.out
    for part in (
        "Leaderboard",
        "Students sold by",
        "└───",
        "Aigerim Sadyk",
        "Timeline",
        "in two tabs at once",
        "refused",
    ):
        assert part in ran.out
    assert "Students: 12 in" in ran.err
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_second_run_begins_anew(database_url: str):
    first = run_command("demo", "--students", 12, "--seed", 1, "--json", url=database_url)
    second = run_command("demo", "--students", 8, "--seed", 2, "--json", url=database_url)
    third = run_command("demo", "--students", 12, "--seed", 1, "--json", url=database_url)

    assert first.code == second.code == third.code == 0
    assert sum(row["total_students"] for row in second.json["leaderboard"]) == 8
    told = ("manager_name", "total_students", "active_students", "completed_students", "total_revenue")
    assert [[row[key] for key in told] for row in first.json["leaderboard"]] == [
        [row[key] for key in told] for row in third.json["leaderboard"]
    ]
    assert first.json["figures"] == third.json["figures"]
    assert scalar(database_url, "SELECT count(*) FROM auth.users") == 12 + 3
    assert scalar(database_url, "SELECT count(*) FROM sales_activity_log WHERE action_type = 'user_created'") == 12 + 3


def test_a_database_with_students_of_its_own_is_left_alone(database_url: str):
    sell_one(database_url)

    refused = run_command("demo", "--students", 2, url=database_url)

    assert refused.code == 1
    assert "has 1 student who is not the demo's" in refused.err
    assert "--beside-others" in refused.err
    assert scalar(database_url, "SELECT count(*) FROM auth.users") == 2


def test_beside_others_they_stay_and_only_the_demos_people_are_removed_again(database_url: str):
    sell_one(database_url)

    for _ in range(2):
        ran = run_command("demo", "--students", 2, "--beside-others", "--json", url=database_url)
        assert ran.code == 0, ran.err

    assert scalar(database_url, "SELECT count(*) FROM tripwire_users") == 3
    assert (
        scalar(database_url, "SELECT count(*) FROM sales_activity_log WHERE details->>'email' = 'real@example.com'")
        == 1
    )


def test_a_database_of_another_project_is_left_alone(make_database: MakeDatabase):
    url = make_database(migrated=None)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE orders (id int)")

    ran = run_command("demo", url=url)

    assert ran.code == 1
    assert "not this project's" in ran.err
    assert scalar(url, "SELECT to_regnamespace('auth') IS NULL") is True


def test_supabase_is_left_alone(make_database: MakeDatabase):
    url = make_database(migrated=False)
    with psycopg.connect(url) as connection:
        connection.execute("COMMENT ON SCHEMA auth IS NULL; CREATE TABLE auth.identities (id int)")

    ran = run_command("demo", url=url)

    assert ran.code == 1
    assert "scratch database" in ran.err
    assert scalar(url, "SELECT to_regclass('public.tripwire_users') IS NULL") is True


@pytest.mark.parametrize("students", ["0", "-5", "many"])
def test_a_demo_of_nobody_is_wrong_use(students: str):
    assert run_command("demo", "--students", students).code == 2


def test_without_a_url_a_demo_makes_its_own_server_and_a_second_run_is_fine(embedded_cluster: Cluster):
    # A shell that names other databases for libpq changes nothing.
    libpq = {"PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGSERVICE": "gone", "PGOPTIONS": "-c statement_timeout=1"}
    place = {"TRIPWIRE_EMBEDDED_DIR": str(embedded_cluster.directory), **libpq}

    first = run_process("demo", "--students", 5, **place)
    assert first.code == 0, first.err
    assert "Using the embedded PostgreSQL" in first.err
    assert "Look around: tripwire-db student list --database-url embedded:tripwire_demo" in first.out
    assert not embedded_cluster.running
    with embedded_cluster:
        assert run_command("demo", "--students", 6, "--json", **place).json["figures"]["students"] == 6
        assert (
            len(run_command("student", "list", "--database-url", "embedded:tripwire_demo", "--json", **place).json) == 6
        )
        with psycopg.connect(embedded_cluster.url("tripwire_demo")):
            busy = run_command("demo", "--students", 5, **place)
    assert busy.code == 1
    assert "perhaps another demo" in busy.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_demo_that_is_interrupted_stops_its_server(embedded_cluster: Cluster, number: signal.Signals):
    known = {name: value for name, value in os.environ.items() if not name.startswith("TRIPWIRE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tripwire_db.cli", "demo", "--students", "5000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**known, "TRIPWIRE_EMBEDDED_DIR": str(embedded_cluster.directory)},
    )
    assert process.stderr is not None
    said = ""
    while "Managers" not in said:  # the students are being created
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert out == ""
    assert not embedded_cluster.running
