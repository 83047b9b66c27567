"""One account for two tools: whichever ran last, Alembic and Supabase's CLI agree on where the database is."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from alembic import command

from tests.schema.export.conftest import Hosted
from tests.schema.export.test_push import catalog, execute, history
from tests.support.servers.finding import PROJECT
from tests.support.servers.postgres import Postgres
from tests.support.servers.supabase import Supabase
from tripwire_db import migrations
from tripwire_db.schema.adopt import adopt
from tripwire_db.schema.check.dump import difference
from tripwire_db.schema.export import compare, export
from tripwire_db.schema.runner import MigrationError

MakeDatabase = Callable[..., str]
V2 = "20261101090000"
OLD_INDEXES = "20261109090000"


def test_half_by_supabase_then_half_by_alembic_and_back_down(supabase: Supabase, hosted: Hosted) -> None:
    url, chain = hosted.project(), migrations.revisions()
    later = [path for path in sorted((supabase.folder / "supabase/migrations").iterdir()) if path.name > chain[10]]
    kept = {path: path.read_bytes() for path in later}
    for path in later:
        path.unlink()

    first_half = supabase.run("db", "push", url=url)
    assert first_half.returncode == 0, first_half.stderr
    assert migrations.current(url) == chain[9]
    migrations.upgrade(url, quiet=True)
    assert history(url) == chain
    for path, content in kept.items():
        path.write_bytes(content)
    assert "up to date" in supabase.run("db", "push", url=url).stdout
    command.downgrade(migrations.config(url, quiet=True), "-1")
    assert history(url) == chain[:-1]
    again = supabase.run("db", "push", url=url)

    assert again.returncode == 0, again.stderr
    assert (history(url), migrations.current(url)) == (chain, chain[-1])
    assert difference(catalog(hosted.project(at="head")), catalog(url)) == ""
    listed = supabase.run("migration", "list", url=url)
    assert all(listed.stdout.count(version) == 2 for version in chain), listed.stdout


def test_half_by_alembic_then_half_by_supabase(supabase: Supabase, hosted: Hosted) -> None:
    chain = migrations.revisions()
    url = hosted.project(at=chain[9])

    refused = supabase.run("db", "push", url=url)
    migrations.upgrade(url, chain[9], quiet=True)  # has nothing to do but the account, which the push has made
    account = history(url)
    done = supabase.run("db", "push", url=url)

    assert f"This database is at {chain[9]} already." in refused.stderr + refused.stdout
    assert account == chain[:10]
    assert done.returncode == 0, done.stderr + done.stdout
    assert (history(url), migrations.current(url)) == (chain, chain[-1])
    assert difference(catalog(hosted.project(at="head")), catalog(url)) == ""
    migrations.upgrade(url, quiet=True)
    assert history(url) == chain


@pytest.mark.heavy
@pytest.mark.parametrize("hosted", [(17, "2026")], indirect=True)
@pytest.mark.parametrize("words", [("migration", "down", "--last", "1"), ("db", "reset")], ids=" ".join)
def test_what_the_page_warns_of_loses_every_row_and_both_accounts_still_agree(
    supabase: Supabase, hosted: Hosted, words: tuple[str, ...]
) -> None:
    url, chain = hosted.project(), migrations.revisions()
    pushed = supabase.run("db", "push", url=url)
    assert pushed.returncode == 0, pushed.stderr
    execute(url, "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@mail.kz')")
    execute(url, "INSERT INTO public.users (id, email, full_name) SELECT id, email, 'A' FROM auth.users")

    done = supabase.run(*words, url=url)

    assert done.returncode == 0, done.stderr + done.stdout
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT id FROM auth.users UNION ALL SELECT id FROM public.users").fetchall() == []
    migrations.upgrade(url, quiet=True)
    assert (history(url), migrations.current(url)) == (chain, chain[-1])


@pytest.fixture
def plain(tmp_path: Path, postgres_17: Postgres) -> Supabase:
    """The command line, for databases of a server that is not Supabase."""
    export(tmp_path)
    return Supabase.at(tmp_path, postgres_17)


def test_what_alembic_wrote_down_is_fetched_as_the_files_themselves(
    plain: Supabase, make_database: MakeDatabase
) -> None:
    url = make_database(server=17)
    execute(url, ACCOUNT)
    migrations.upgrade(url, quiet=True)  # has nothing to do but the account
    for path in (plain.folder / "supabase/migrations").iterdir():
        path.unlink()

    fetched = plain.run("migration", "fetch", url=url)

    assert fetched.returncode == 0, fetched.stderr
    assert not compare(plain.folder).differs


def test_a_file_without_a_transaction_whose_row_of_history_was_lost_may_be_pushed_again(
    plain: Supabase, make_database: MakeDatabase
) -> None:
    chain = migrations.revisions()
    url = make_database(migrated=OLD_INDEXES, server=17)
    execute(url, ACCOUNT)
    migrations.upgrade(url, OLD_INDEXES, quiet=True)
    execute(url, f"DELETE FROM supabase_migrations.schema_migrations WHERE version = '{OLD_INDEXES}'")

    pushed = plain.run("db", "push", url=url)

    assert pushed.returncode == 0, pushed.stderr + pushed.stdout
    assert (history(url), migrations.current(url)) == (chain, chain[-1])


def test_a_push_that_is_refused_is_put_right_as_the_page_says(plain: Supabase, make_database: MakeDatabase) -> None:
    chain, folder = migrations.revisions(), plain.folder / "supabase/migrations"
    url = make_database(migrated=chain[-2], server=17)
    execute(url, ACCOUNT)
    migrations.upgrade(url, chain[-2], quiet=True)
    execute(url, "INSERT INTO supabase_migrations.schema_migrations VALUES ('20990101000000')")
    own = folder / "20990101000000_own.sql"
    own.write_text("SELECT 1;\n")

    late = push(plain, url)
    done = push(plain, url, "--include-all")
    newest = next(folder.glob(f"{chain[-1]}_*"))
    newest.unlink()
    ahead = push(plain, url)
    export(plain.folder)
    exported = push(plain, url)
    plain.run("migration", "repair", "--status", "reverted", chain[-1], url=url)
    repaired = push(plain, url, "--include-all")
    migrations.upgrade(url, quiet=True)

    page = (PROJECT / "docs" / "how-to" / "dba" / "supabase.md").read_text(encoding="utf-8")
    refusals = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith(("| Found", "| Remote"))]
    assert [refusal in said for refusal, said in zip(refusals, (late, ahead), strict=True)] == [True, True]
    assert "Finished supabase db push" in done
    assert "up to date" in exported
    # A file that runs CONCURRENTLY has no guard, and may be run again.
    guard = f"upgrade {chain[-1]} expects the database at {chain[-2]}"
    again = "Finished supabase db push"
    assert (again if "CONCURRENTLY" in newest.read_text(encoding="utf-8") else guard) in repaired
    assert (history(url), migrations.current(url)) == ((*chain, "20990101000000"), chain[-1])
    assert "up to date" in push(plain, url)


def test_migrations_that_once_made_the_old_layout_are_taken_away_after_adoption(
    plain: Supabase, make_database: MakeDatabase
) -> None:
    url = make_database(migrated=V2, server=17)
    execute(url, f"{ACCOUNT}; INSERT INTO supabase_migrations.schema_migrations VALUES ('20240101000000')")
    execute(url, "DROP SCHEMA tripwire CASCADE")
    adopt(url)

    kept = push(plain, url)
    plain.run("migration", "repair", "--status", "reverted", "20240101000000", url=url)
    done = push(plain, url)

    assert "Remote migration versions not found" in kept
    assert "Finished supabase db push" in done
    assert (history(url), migrations.current(url)) == (migrations.revisions(), migrations.heads()[0])


def push(supabase: Supabase, url: str, *words: str) -> str:
    done = supabase.run("db", "push", *words, url=url)
    return done.stdout + done.stderr


def test_stamp_and_adopt_keep_it_and_versions_of_others_stay(make_database: MakeDatabase) -> None:
    url = make_database(migrated=V2)
    execute(url, f"{ACCOUNT}; INSERT INTO supabase_migrations.schema_migrations VALUES ('20260101000000')")
    execute(url, "DROP SCHEMA tripwire CASCADE")
    others = ("20260101000000",)

    adopt(url)
    adopted = history(url)
    command.stamp(migrations.config(url, quiet=True), migrations.revisions()[3])
    stamped = history(url)
    command.stamp(migrations.config(url, quiet=True), "base")

    assert adopted == (*others, V2)
    assert stamped == (*others, *migrations.revisions()[:4])
    assert history(url) == others


def test_a_revision_that_fails_leaves_both_accounts_where_they_were(make_database: MakeDatabase) -> None:
    chain = migrations.revisions()
    url = make_database(migrated=chain[1])
    execute(url, f"{ACCOUNT}; CREATE TABLE public.lessons ()")

    with pytest.raises(MigrationError):
        migrations.upgrade(url, quiet=True)

    assert migrations.current(url) == chain[1]
    assert history(url) == (), "the first step of this run did not commit"
    execute(url, "DROP TABLE public.lessons")
    migrations.upgrade(url, quiet=True)
    assert history(url) == chain


def test_an_account_that_the_role_may_not_write_stops_the_run_before_anything_is_changed(
    make_database: MakeDatabase, postgres: Postgres
) -> None:
    url = make_database(migrated=V2)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE ROLE history_deployer LOGIN")
    try:
        execute(url, f"{ACCOUNT}; GRANT USAGE ON SCHEMA tripwire TO history_deployer")
        name = url.rpartition("/")[2].partition("?")[0]
        with pytest.raises(MigrationError, match=r"schema_migrations is here, and this role may not write it"):
            migrations.upgrade(postgres.url(name, user="history_deployer"), quiet=True)
        assert migrations.current(url) == V2
    finally:
        execute(url, "DROP OWNED BY history_deployer; DROP ROLE history_deployer")


ACCOUNT = """CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text)"""
