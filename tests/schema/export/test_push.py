"""Supabase's own `db push` of what `export-supabase` writes, as `postgres` of a hosted project, beside Alembic."""

from pathlib import Path

import psycopg
import pytest

from tests.access.advisor import FINDINGS
from tests.schema.export.conftest import EVERY_KIND, Hosted
from tests.support.servers.supabase import Supabase
from tripwire_db import migrations
from tripwire_db.schema.adopt import adopt
from tripwire_db.schema.check.dump import difference, dump
from tripwire_db.schema.drift import find_drift
from tripwire_db.schema.export import export

V2 = "20261101090000"


@pytest.mark.parametrize("hosted", EVERY_KIND, indirect=True)
def test_a_push_of_the_chain_is_what_alembic_makes(supabase: Supabase, hosted: Hosted) -> None:
    pushed, upgraded = hosted.project(), hosted.project(at="head")

    done = supabase.run("db", "push", url=pushed)

    assert done.returncode == 0, done.stderr + done.stdout
    assert history(pushed) == migrations.revisions()
    assert difference(catalog(upgraded), catalog(pushed)) == ""
    assert find_drift(pushed).findings == ()
    again = supabase.run("db", "push", url=pushed)
    assert "up to date" in again.stdout + again.stderr
    migrations.upgrade(pushed, quiet=True)
    assert migrations.current(pushed) == migrations.heads()[0]
    assert {finding["name"] for finding in supabase.advisors(pushed)} <= {"unused_index"}
    with psycopg.connect(pushed) as connection:
        assert [kind.kind for kind in FINDINGS if connection.execute(kind.query).fetchall()] == []


def test_a_push_that_failed_half_way_goes_on_when_it_is_run_again(supabase: Supabase, hosted: Hosted) -> None:
    url = hosted.project()
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
    assert difference(catalog(hosted.project(at="head")), catalog(url)) == ""


def test_files_with_plain_indexes_are_transactions_and_end_in_the_same_catalog(tmp_path: Path, hosted: Hosted) -> None:
    export(tmp_path, plain_indexes=True)
    url = hosted.project()
    execute(url, "CREATE TABLE public.idx_sales_activity_target ()")
    supabase = Supabase.at(tmp_path, hosted.server)

    failed = supabase.run("db", "push", url=url)
    built = indexes(url)
    execute(url, "DROP TABLE public.idx_sales_activity_target")
    done = supabase.run("db", "push", url=url)

    assert failed.returncode
    assert "uq_tripwire_users_email" not in built, "of a file that failed nothing stays"
    assert done.returncode == 0, done.stderr + done.stdout
    assert difference(catalog(hosted.project(at="head")), catalog(url)) == ""


def test_the_first_file_goes_on_only_where_it_meets_nothing(supabase: Supabase, hosted: Hosted) -> None:
    by_hand, by_alembic, taken_back = made_by_hand(hosted), hosted.project(at="head"), hosted.project(at=V2)
    before = catalog(by_hand), catalog(by_alembic)
    migrations.downgrade(taken_back, "base", quiet=True)

    refused = supabase.run("db", "push", url=by_hand), supabase.run("db", "push", url=by_alembic)
    pushed = supabase.run("db", "push", url=taken_back)

    assert "This database is not empty: it has public.module_unlocks" in refused[0].stderr + refused[0].stdout
    assert f"This database is at {migrations.heads()[0]} already." in refused[1].stderr + refused[1].stdout
    assert (catalog(by_hand), catalog(by_alembic)) == before
    assert pushed.returncode == 0, pushed.stderr + pushed.stdout


def test_a_push_onto_an_adopted_database_goes_on_once_the_account_is_filled(supabase: Supabase, hosted: Hosted) -> None:
    pushed, upgraded = made_by_hand(hosted), made_by_hand(hosted)
    adopt(pushed)
    adopt(upgraded)

    refused = supabase.run("db", "push", url=pushed)
    migrations.upgrade(pushed, V2, quiet=True)
    account = history(pushed)
    done = supabase.run("db", "push", url=pushed)
    migrations.upgrade(upgraded, quiet=True)

    assert f"This database is at {V2} already." in refused.stderr + refused.stdout
    assert f"Run tripwire-db upgrade {V2}:" in refused.stderr + refused.stdout
    assert account == (V2,)
    assert done.returncode == 0, done.stderr + done.stdout
    assert (history(pushed), migrations.current(pushed)) == (migrations.revisions(), migrations.heads()[0])
    assert difference(catalog(upgraded), catalog(pushed)) == ""


def made_by_hand(hosted: Hosted) -> str:
    """A project that holds the layout of v2, and that nobody has brought under Alembic."""
    url = hosted.project(at=V2)
    execute(url, "DROP SCHEMA tripwire CASCADE")
    return url


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
