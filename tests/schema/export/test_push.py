"""Supabase's own `db push` of what `export-supabase` writes, beside Alembic on the same database."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.support.servers.postgres import Postgres
from tests.support.servers.supabase import Supabase
from tripwire_db import migrations
from tripwire_db.schema.check.dump import difference, dump
from tripwire_db.schema.drift import find_drift
from tripwire_db.schema.export import export

MakeDatabase = Callable[..., str]
V2 = "20261101090000"


@pytest.fixture(params=[15, 17], ids=["pg15", "pg17"])
def server(request: pytest.FixtureRequest) -> Postgres:
    found: Postgres = request.getfixturevalue(f"postgres_{request.param}")
    return found


@pytest.fixture
def supabase(tmp_path: Path, server: Postgres) -> Supabase:
    """Its command line, in a folder that holds the exported chain."""
    export(tmp_path)
    return Supabase.at(tmp_path, server)


def test_a_push_of_the_chain_is_what_alembic_makes(
    supabase: Supabase, server: Postgres, make_database: MakeDatabase
) -> None:
    pushed, upgraded = (make_database(migrated=kind, server=server.major) for kind in (False, True))

    done = supabase.run("db", "push", url=pushed)

    assert done.returncode == 0, done.stderr + done.stdout
    assert history(pushed) == migrations.revisions()
    assert difference(catalog(upgraded), catalog(pushed)) == ""
    assert find_drift(pushed).findings == ()
    again = supabase.run("db", "push", url=pushed)
    assert "up to date" in again.stdout + again.stderr
    migrations.upgrade(pushed, quiet=True)
    assert migrations.current(pushed) == migrations.heads()[0]


def test_a_push_that_failed_half_way_goes_on_when_it_is_run_again(
    supabase: Supabase, server: Postgres, make_database: MakeDatabase
) -> None:
    url = make_database(migrated=False, server=server.major)
    execute(url, "CREATE TABLE public.lessons (); CREATE TABLE public.idx_sales_activity_target ()")

    in_a_transaction = supabase.run("db", "push", url=url)
    at_lessons = history(url), migrations.current(url)
    execute(url, "DROP TABLE public.lessons")
    outside_of_any = supabase.run("db", "push", url=url)
    at_indexes = history(url), migrations.current(url)
    execute(url, "DROP TABLE public.idx_sales_activity_target")
    done = supabase.run("db", "push", url=url)

    assert in_a_transaction.returncode
    assert outside_of_any.returncode
    chain = migrations.revisions()
    assert at_lessons == (chain[:2], chain[1])
    assert at_indexes == (chain[:8], chain[7])
    assert done.returncode == 0, done.stderr + done.stdout
    assert history(url) == chain
    assert find_drift(url).findings == ()


def test_files_with_plain_indexes_are_transactions_and_end_in_the_same_catalog(
    tmp_path: Path, make_database: MakeDatabase, postgres_15: Postgres
) -> None:
    export(tmp_path, plain_indexes=True)
    url = make_database(migrated=False, server=15)
    execute(url, "CREATE TABLE public.idx_sales_activity_target ()")
    supabase = Supabase.at(tmp_path, postgres_15)

    failed = supabase.run("db", "push", url=url)
    built = indexes(url)
    execute(url, "DROP TABLE public.idx_sales_activity_target")
    done = supabase.run("db", "push", url=url)

    assert failed.returncode
    assert "uq_tripwire_users_email" not in built, "of a file that failed nothing stays"
    assert done.returncode == 0, done.stderr + done.stdout
    assert difference(catalog(make_database(server=15)), catalog(url)) == ""


def test_the_first_file_goes_on_only_where_it_meets_nothing(
    supabase: Supabase, server: Postgres, make_database: MakeDatabase
) -> None:
    by_hand = make_database(migrated=V2, server=server.major)
    execute(by_hand, "DROP SCHEMA tripwire CASCADE")
    by_alembic = make_database(server=server.major)
    before = catalog(by_hand), catalog(by_alembic)
    taken_back = make_database(migrated=V2, server=server.major)
    migrations.downgrade(taken_back, "base")

    refused = supabase.run("db", "push", url=by_hand), supabase.run("db", "push", url=by_alembic)
    pushed = supabase.run("db", "push", url=taken_back)

    assert "This database is not empty: it has public.module_unlocks" in refused[0].stderr + refused[0].stdout
    assert f"This database is at {migrations.heads()[0]} already." in refused[1].stderr + refused[1].stdout
    assert (catalog(by_hand), catalog(by_alembic)) == before
    assert pushed.returncode == 0, pushed.stderr + pushed.stdout


def execute(url: str, statements: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statements)


def indexes(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}


def catalog(url: str) -> str:
    return dump(url, "--exclude-schema=supabase_migrations")


def history(url: str) -> tuple[str, ...]:
    """The versions that Supabase's own account holds."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT version FROM supabase_migrations.schema_migrations ORDER BY version")
        return tuple(row[0] for row in found)
