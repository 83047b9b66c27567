"""bootstrap, upgrade, downgrade and status, on real servers, the embedded one too."""

import re
import secrets
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.cli.conftest import Ran, run_command
from tests.conftest import MakeDatabase
from tripwire_db import migrations
from tripwire_db.embedded import Cluster


def newest() -> str:
    (head,) = migrations.heads()
    return head


def test_a_plain_database_is_brought_to_head_and_back_step_by_step(make_database: MakeDatabase):
    url = make_database(migrated=None)

    def run(*arguments: str) -> Ran:
        return run_command(*arguments, url=url)

    assert "Next: tripwire-db bootstrap" in run("status").out
    assert "schema auth" in run("bootstrap").out
    assert run("bootstrap", "--json").json == {"outcome": "present", "changed": []}
    behind = run("status", "--json")
    assert behind.code == 1
    assert behind.json["revision"] is None
    assert behind.json["pending"][-1]["revision"] == newest()

    upgraded = run("upgrade", "--json")
    assert upgraded.code == 0
    assert upgraded.json["after"] == newest()
    assert [one["revision"] for one in upgraded.json["revisions"]] == [
        one["revision"] for one in behind.json["pending"]
    ]
    assert run("upgrade").code == 0
    status = run("status")
    assert status.code == 0
    assert f"{newest()}  (head)" in status.out
    assert "pgrst_watch on ddl_command_end" in status.out
    assert "pgrst_watch_drop on sql_drop" in status.out

    assert run("downgrade", "-1").code == 0
    one_behind = run("status")
    assert one_behind.code == 1
    assert newest() in one_behind.out
    assert "1 revision" in one_behind.out
    assert run("upgrade", "+1").code == 0
    assert run("downgrade", "base").code == 0
    assert run("status", "--json").json["revision"] is None


def test_a_downgrade_that_loses_rows_asks_for_the_option_first(database_url: str):
    run_command("manager", "create", "dana@example.com", "--full-name", "Dana K.", url=database_url)

    refused = run_command("downgrade", "base", url=database_url)
    accepted = run_command("downgrade", "base", "--accept-loss", url=database_url)

    assert refused.code == 1
    assert "run it again with --accept-loss" in refused.err
    assert "nothing was changed" in refused.err
    assert accepted.code == 0


@pytest.mark.parametrize("revision", ["nope", "20999999999999", "--accept-los", ""])
def test_a_revision_that_is_not_there_is_wrong_use(database_url: str, revision: str):
    ran = run_command("downgrade", revision, url=database_url)

    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert run_command("status", url=database_url).code == 0


def test_migrations_go_over_their_own_url(database_url: str):
    nowhere = "postgresql://app:secret@127.0.0.1:1/course"

    ran = run_command("status", url=nowhere, TRIPWIRE_MIGRATIONS_URL=database_url)

    assert ran.code == 0


@pytest.mark.parametrize("command", [["doctor"], ["leaderboard"], ["student", "list"]])
def test_a_database_named_for_migrations_alone_is_the_one_that_every_command_looks_at(
    command: list[str], database_url: str, embedded_cluster: Cluster
):
    migrations_only = {"TRIPWIRE_DATABASE_URL": "", "TRIPWIRE_MIGRATIONS_URL": database_url}

    ran = run_command(*command, **migrations_only, TRIPWIRE_EMBEDDED_DIR=str(embedded_cluster.directory))

    assert ran.code == 0
    assert "embedded" not in ran.err


def test_a_database_that_is_given_is_not_reported_on_by_the_environments_replica(make_database: MakeDatabase):
    given, other = make_database(), make_database()
    run_command("manager", "create", "dana@example.com", "--full-name", "Dana K.", url=given)

    ran = run_command("leaderboard", "--json", "--database-url", given, url=other, TRIPWIRE_REPORTS_URL=other)

    assert [row["email"] for row in ran.json] == ["dana@example.com"]


def test_status_shows_what_a_role_without_the_right_left_out(make_database: MakeDatabase):
    url = make_database(migrated=False)
    name = urlsplit(url).path[1:]
    owner = f"owner_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            "CREATE ROLE {owner} LOGIN",
            "ALTER DATABASE {name} OWNER TO {owner}",
            "ALTER SCHEMA public OWNER TO {owner}",
            "GRANT USAGE ON SCHEMA auth TO {owner}",
            "GRANT SELECT, REFERENCES ON auth.users TO {owner}",
        ):
            connection.execute(sql.SQL(statement).format(owner=sql.Identifier(owner), name=sql.Identifier(name)))
    theirs = url.replace("postgres@", f"{owner}@")
    try:
        upgraded = run_command("upgrade", url=theirs)
        status = run_command("status", "--json", url=theirs)
        shown = run_command("status", url=theirs)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in ("REASSIGN OWNED BY {owner} TO postgres", "DROP OWNED BY {owner}", "DROP ROLE {owner}"):
                connection.execute(sql.SQL(statement).format(owner=sql.Identifier(owner)))

    assert upgraded.code == 0, upgraded.err
    assert status.json["event_triggers"] == []
    assert status.json["left_out"] == ["pgrst_watch", "pgrst_watch_drop"]
    assert "pgrst_watch was left out: each upgrade tells PostgREST itself" in shown.out


SUPABASE = "CREATE SCHEMA auth; CREATE TABLE auth.identities (id uuid)"
FOREIGN = (
    "CREATE SCHEMA auth; CREATE TABLE auth.users (id uuid PRIMARY KEY);"
    "CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'"
)
UNUSABLE = "CREATE SCHEMA auth; CREATE TABLE auth.sessions (id int)"


@pytest.mark.parametrize(
    ("made", "auth", "words"),
    [
        (SUPABASE, "supabase", "Supabase's own"),
        (FOREIGN, "foreign", "somebody else's"),
        (UNUSABLE, "unusable", "of another kind, without users or uid()"),
    ],
)
def test_status_and_bootstrap_name_the_schema_auth_alike(make_database: MakeDatabase, made: str, auth: str, words: str):
    url = make_database(migrated=None)
    with psycopg.connect(url) as connection:
        connection.execute(made.encode())

    told = [run_command(command, url=url) for command in ("status", "bootstrap")]

    assert run_command("status", "--json", url=url).json["auth"] == auth
    assert all(words in " ".join((ran.out + ran.err).split()) for ran in told)
    assert "Next: tripwire-db bootstrap" not in told[0].out


def test_a_database_newer_than_the_package_is_told_from_an_older_one(database_url: str):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE tripwire.alembic_version SET version_num = '20990101000000'")

    ran = run_command("status", url=database_url)

    assert ran.code == 1
    assert "unknown to this version of tripwire-db" in ran.out


def test_the_server_of_each_version_is_told(make_database: MakeDatabase, major: int):
    status = run_command("status", "--json", url=make_database(migrated=False, server=major)).json

    assert re.fullmatch(rf"{major}\.\d+", status["server_version"])
    assert status["auth"] == "stand-in"


def test_without_a_url_the_embedded_server_is_made_used_and_stopped(embedded_cluster: Cluster):
    def run(*arguments: str) -> Ran:
        return run_command(*arguments, TRIPWIRE_EMBEDDED_DIR=str(embedded_cluster.directory))

    nothing_yet = run("leaderboard")
    assert nothing_yet.code == 2
    assert "tripwire-db upgrade" in nothing_yet.err
    upgraded = run("upgrade")
    assert upgraded.code == 0, upgraded.err
    assert (
        f"Using the embedded PostgreSQL 18.6, database embedded:tripwire, in {embedded_cluster.directory}"
        in upgraded.err
    )
    assert not embedded_cluster.running
    made = run("manager", "create", "dana@example.com", "--full-name", "Dana K.", "--json")
    assert made.json["created"] is True
    with embedded_cluster:  # whoever uses it already is left connected
        assert run("leaderboard", "--json").json[0]["email"] == "dana@example.com"
        assert run("status", "--database-url", "embedded:tripwire").code == 0
        other = run("leaderboard", "--database-url", "embedded:other")
        assert embedded_cluster.running
    assert other.code == 2
    assert "no database embedded:other" in other.err
