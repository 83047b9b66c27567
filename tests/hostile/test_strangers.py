"""What a stranger made before us is not built upon, and where strangers may still come in, is told."""

from uuid import uuid4

import psycopg
import pytest
from alembic.util import CommandError
from psycopg import sql
from typer.testing import CliRunner

from tripwire_db import migrations
from tripwire_db.cli.app import app
from tripwire_db.schema.bootstrap import BootstrapRefused, bootstrap

OPEN = "Everybody may create objects in schema public"


@pytest.fixture
def stranger(empty_database_url):
    """A role without any attribute, which may create in `public` and in the database; gone at the end with all it owns."""
    name = f"stranger_{uuid4().hex[:12]}"
    role = sql.Identifier(name)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, role))
        connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(role))
        yield name
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(database))
        connection.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))


def make(url, owner, *statements):
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        for statement in statements:
            connection.execute(statement)


TOUCH = "CREATE FUNCTION public.update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
WATCH = "CREATE FUNCTION public.pgrst_watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'"
VERSIONS = "CREATE TABLE tripwire.alembic_version (version_num varchar(32))"
MADE_BEFORE = {
    "a function that a revision replaces": (
        [TOUCH],
        "ALTER FUNCTION public.update_updated_at_column() OWNER TO CURRENT_USER;",
    ),
    "an event trigger's function": ([WATCH], "ALTER FUNCTION public.pgrst_watch() OWNER TO CURRENT_USER;"),
    "the schema": (["CREATE SCHEMA tripwire"], "ALTER SCHEMA tripwire OWNER TO CURRENT_USER;"),
    "the version table": (
        ["CREATE SCHEMA tripwire", VERSIONS],
        "ALTER SCHEMA tripwire OWNER TO CURRENT_USER; ALTER TABLE tripwire.alembic_version OWNER TO CURRENT_USER;",
    ),
}


@pytest.mark.parametrize("made", MADE_BEFORE)
def test_an_upgrade_refuses_what_a_stranger_made_with_the_statement_that_mends_it(empty_database_url, stranger, made):
    statements, mend = MADE_BEFORE[made]
    make(empty_database_url, stranger, *statements)

    with pytest.raises(CommandError) as refused:
        migrations.upgrade(empty_database_url)

    assert stranger in str(refused.value)
    assert mend in str(refused.value)
    assert migrations.current(empty_database_url) is None
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regclass('public.users')").fetchone() == (None,)
        connection.execute(mend)
    migrations.upgrade(empty_database_url)
    assert migrations.current(empty_database_url) in migrations.heads()


def test_what_the_owner_of_the_database_made_is_no_stranger_s(empty_database_url, stranger):
    """As on hosted Supabase: its owner migrates, and a superuser may go on."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        names = sql.Identifier(connection.info.dbname), sql.Identifier(stranger)
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(*names))
    make(empty_database_url, stranger, "CREATE SCHEMA tripwire", TOUCH)
    migrations.upgrade(empty_database_url)


def test_a_bootstrap_refuses_a_stranger_s_schema_that_bears_our_mark(empty_database_url, stranger):
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA auth OWNER TO {}").format(sql.Identifier(stranger)))
        with pytest.raises(BootstrapRefused, match=f"belongs to {stranger}.*ALTER SCHEMA auth OWNER TO CURRENT_USER"):
            bootstrap(empty_database_url)
        connection.execute("ALTER SCHEMA auth OWNER TO CURRENT_USER")
    assert bootstrap(empty_database_url).outcome == "present"


def test_upgrade_and_status_warn_where_everybody_may_create(empty_database_url, capfd):
    at = ("--database-url", empty_database_url)
    migrations.upgrade(empty_database_url)
    assert OPEN not in capfd.readouterr().err
    assert OPEN not in CliRunner().invoke(app, ["status", *at]).output

    with psycopg.connect(empty_database_url) as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")

    migrations.upgrade(empty_database_url)
    told = capfd.readouterr().err
    shown = " ".join(CliRunner().invoke(app, ["status", *at]).output.split())
    for text in (told, shown):
        assert OPEN in text
        assert "REVOKE CREATE ON SCHEMA public FROM PUBLIC;" in text
