"""Backups of a server as hosted Supabase has it, made and restored as `postgres`."""

from pathlib import Path

import psycopg
import pytest

from tests.schema.backup.people import all_rows, run
from tripwire_db import migrations
from tripwire_db.embedded.hosted import HostedServer
from tripwire_db.schema.backup import make_backup, rehearse, restore
from tripwire_db.schema.course.sample_rows import fill_head, fill_v2
from tripwire_db.schema.drift import find_drift

V2, WITH_CERTIFICATES = "20261101090000", "20261103090000"
IDENTITIES = """
INSERT INTO auth.identities (user_id, provider, provider_id, identity_data)
SELECT id, 'email', id::text, jsonb_build_object('email', email) FROM auth.users;
"""


@pytest.fixture
def filled(server: HostedServer, database: str) -> str:
    """A project with rows in every table, and an auth user that is not the course's."""
    url = server.create_project(database)
    for revision, fill in ((V2, fill_v2), (WITH_CERTIFICATES, fill_head)):
        migrations.upgrade(url, revision, quiet=True)
        with psycopg.connect(url) as connection:
            fill(connection)
    migrations.upgrade(url, quiet=True)
    run(url, IDENTITIES)
    return url


def test_every_row_is_back_as_postgres_auth_users_included(
    server: HostedServer, filled: str, database: str, tmp_path: Path
) -> None:
    before = all_rows(filled)
    run(filled, "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'another@app.kz')")
    backup = make_backup(filled, tmp_path / "course.tar")
    run(filled, "DELETE FROM auth.users")
    new = server.create_project(f"{database}_new")

    again, anew = restore(filled, backup.file), restore(new, backup.file)

    people = len(before["auth.users"])
    assert [(one.table, one.missing, one.unwritten) for one in again.outside] == [
        ("auth.users", people, 0),
        ("auth.identities", people, 0),
    ]
    assert (again.target, anew.target) == ("matching", "empty")
    assert all_rows(filled) == before, "the other app's user is not the course's, and not in the file"
    assert all_rows(new) == before
    assert find_drift(new).findings == ()


@pytest.mark.heavy
def test_what_cannot_be_written_into_auth_is_told_and_stops_only_what_needs_it(
    server: HostedServer, filled: str, database: str, tmp_path: Path
) -> None:
    backup = make_backup(filled, tmp_path / "course.tar", verify=False)
    new = server.create_project(f"{database}_new")
    with psycopg.connect(server.url(f"{database}_new", user="supabase_admin"), autocommit=True) as connection:
        connection.execute("REVOKE INSERT ON auth.identities FROM postgres")
        connection.execute("ALTER TABLE auth.users DROP COLUMN phone")

    done = restore(new, backup.file)

    users, identities = done.outside
    assert (users.unwritten, users.reason) == (0, "")
    assert identities.unwritten == identities.needed > 0
    assert identities.reason == "this role may not write there (permission denied for table identities)"


@pytest.mark.heavy
def test_a_backup_of_a_hosted_project_is_rehearsed(filled: str, tmp_path: Path) -> None:
    migrations.downgrade(filled, "20261119090000", accept_loss=True, quiet=True)
    backup = make_backup(filled, tmp_path / "course.tar", verify=False)

    done = rehearse(backup.file)

    assert done.drift == ()
    assert done.problems == ()
    assert all(table.as_before for table in done.tables)
