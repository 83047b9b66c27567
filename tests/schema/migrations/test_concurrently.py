"""A revision that builds indexes CONCURRENTLY may fail half way and be run again."""

import subprocess

import psycopg
import pytest
from alembic import command
from alembic.util import CommandError

from tests.conftest import MakeDatabase
from tripwire_db import migrations
from tripwire_db.embedded import find_program
from tripwire_db.schema.check.dump import difference, dump
from tripwire_db.schema.course.sample_rows import STUDENTS, fill_v2

NEW_INDEXES = "20261108090000"
OLD_INDEXES = "20261109090000"
BEFORE = "20261107090000"


def invalid(connection: psycopg.Connection) -> list[str]:
    return [
        name
        for (name,) in connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
        ).fetchall()
    ]


@pytest.fixture
def validated(make_database: MakeDatabase, major: int) -> str:
    url = make_database(migrated="20261106090000", server=major)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
    migrations.upgrade(url, BEFORE)
    return url


def test_a_duplicate_that_came_in_time_fails_the_build_and_a_rerun_mends_it(validated: str) -> None:
    with psycopg.connect(validated) as connection:
        connection.execute(
            "UPDATE public.tripwire_users SET email = 'same@mail.kz' WHERE user_id = ANY (%s)", [list(STUDENTS[:2])]
        )

    with pytest.raises(CommandError, match="uq_tripwire_users_email"):
        migrations.upgrade(validated, NEW_INDEXES)

    assert migrations.current(validated) == BEFORE
    with psycopg.connect(validated) as connection:
        assert invalid(connection) == ["uq_tripwire_users_email"]
        connection.execute("UPDATE public.tripwire_users SET email = 'other@mail.kz' WHERE user_id = %s", [STUDENTS[0]])

    migrations.upgrade(validated)

    assert migrations.current(validated) in migrations.heads()
    with psycopg.connect(validated) as connection:
        assert invalid(connection) == []


@pytest.mark.plain_server
def test_a_rerun_keeps_what_was_finished_and_builds_the_rest(validated: str) -> None:
    with psycopg.connect(validated, autocommit=True) as connection:
        # As if the first run had ended after two indexes, the second of them half built.
        connection.execute("CREATE UNIQUE INDEX uq_tripwire_users_email ON public.tripwire_users USING btree (email)")
        connection.execute("CREATE INDEX idx_users_role ON public.users (role) WHERE role <> 'student'")
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.idx_users_role'::regclass"
        )
        finished, half = connection.execute(
            "SELECT 'public.uq_tripwire_users_email'::regclass::oid, 'public.idx_users_role'::regclass::oid"
        ).fetchone()

    migrations.upgrade(validated, NEW_INDEXES)

    with psycopg.connect(validated) as connection:
        now = connection.execute(
            "SELECT 'public.uq_tripwire_users_email'::regclass::oid, 'public.idx_users_role'::regclass::oid"
        ).fetchone()
        assert now[0] == finished
        assert now[1] != half
        assert invalid(connection) == []


def test_another_index_that_has_taken_the_name_is_an_error_and_is_left_alone(validated: str) -> None:
    with psycopg.connect(validated) as connection:
        connection.execute("CREATE INDEX idx_users_role ON public.users (full_name)")

    with pytest.raises(CommandError, match='relation "idx_users_role" already exists'):
        migrations.upgrade(validated, NEW_INDEXES)

    with psycopg.connect(validated) as connection:
        assert connection.execute("SELECT pg_get_indexdef('public.idx_users_role'::regclass)").fetchone() == (
            "CREATE INDEX idx_users_role ON public.users USING btree (full_name)",
        )
        connection.execute("DROP INDEX public.idx_users_role")
    migrations.upgrade(validated)


def test_dropping_goes_on_where_a_failed_run_ended(validated: str) -> None:
    migrations.upgrade(validated, OLD_INDEXES)
    wanted = dump(validated)
    migrations.downgrade(validated, NEW_INDEXES)
    with psycopg.connect(validated) as connection:
        connection.execute("DROP INDEX public.idx_users_email; DROP INDEX public.idx_users_role_v2")

    migrations.upgrade(validated, OLD_INDEXES)

    assert difference(wanted, dump(validated)) == ""


def test_offline_sql_may_be_run_again_too(make_database: MakeDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    url = make_database(migrated=BEFORE)
    command.upgrade(migrations.config(url), f"{BEFORE}:{NEW_INDEXES}", sql=True)
    rendered = capsys.readouterr().out
    psql = [find_program("psql"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", url]
    with psycopg.connect(url) as connection:
        connection.execute("CREATE INDEX idx_video_tracking_lesson_id ON public.video_tracking (id)")

    failed = subprocess.run(psql, input=rendered, capture_output=True, text=True, check=False, timeout=60)
    assert 'relation "idx_video_tracking_lesson_id" already exists' in failed.stderr
    assert migrations.current(url) == BEFORE
    with psycopg.connect(url) as connection:
        connection.execute("DROP INDEX public.idx_video_tracking_lesson_id")
    again = subprocess.run(psql, input=rendered, capture_output=True, text=True, check=False, timeout=60)

    assert again.returncode == 0, again.stderr
    assert migrations.current(url) == NEW_INDEXES
