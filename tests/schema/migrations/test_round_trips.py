"""Each revision up, down and up again, with rows in all tables: the catalog byte for byte, the rows as they were."""

import psycopg
import pytest
from alembic.util import CommandError

from tests.conftest import MakeDatabase
from tests.schema.migrations.chain import BASELINE, revisions
from tripwire_db import migrations
from tripwire_db.schema.check.dump import difference, dump
from tripwire_db.schema.check.rows import rows
from tripwire_db.schema.course.sample_rows import fill_head, fill_v2

OLDER_DEFAULTS = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO postgres, anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO postgres, anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO postgres, anon, authenticated, service_role;
"""
COURSE = "20261103090000"


def climb(url: str) -> None:
    """Go up revision by revision; down and up again at each, comparing."""
    migrations.upgrade(url, BASELINE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
    for revision in revisions()[1:]:
        with psycopg.connect(url) as connection:
            rows_before = rows(connection)
        catalog_before = dump(url)

        migrations.upgrade(url, revision.revision)
        catalog_up = dump(url)
        with psycopg.connect(url) as connection:
            rows_up = rows(connection)
        migrations.downgrade(url, revision.down_revision)

        changed = difference(catalog_before, dump(url))
        assert not changed, f"{revision.revision} does not go down to what was there:\n{changed}"
        with psycopg.connect(url) as connection:
            assert rows(connection) == rows_before, f"rows after the downgrade of {revision.revision}"

        migrations.upgrade(url, revision.revision)
        changed = difference(catalog_up, dump(url))
        assert not changed, f"{revision.revision} does not come up to the same again:\n{changed}"
        with psycopg.connect(url) as connection:
            kept = rows(connection)
            for table, before in rows_up.items():
                if table not in ("modules", "lessons"):  # made again, at another time
                    assert kept[table] == before, f"{table} after {revision.revision} came up again"
            if revision.revision == COURSE:
                fill_head(connection)


def test_every_revision_goes_down_to_exactly_what_was_there(make_database: MakeDatabase, major: int) -> None:
    climb(make_database(migrated=False, server=major))


def test_every_revision_goes_down_exactly_under_supabases_older_default_privileges(make_database: MakeDatabase) -> None:
    url = make_database(migrated=False)
    with psycopg.connect(url) as connection:
        connection.execute(OLDER_DEFAULTS)

    climb(url)

    with psycopg.connect(url) as connection:
        open_to_visitors = connection.execute(
            """
            SELECT relname FROM pg_class
            WHERE relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace) AND relkind IN ('r', 'v', 'S')
                AND has_table_privilege('anon', oid, 'SELECT')
            UNION ALL
            SELECT proname FROM pg_proc
            WHERE pronamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
                AND has_function_privilege('anon', oid, 'EXECUTE')
            """
        ).fetchall()
    assert open_to_visitors == []


def test_after_downgrade_base_nothing_of_ours_remains(make_database: MakeDatabase, major: int) -> None:
    url = make_database(migrated=False, server=major)
    before = dump(url)

    migrations.upgrade(url)
    migrations.downgrade(url, "base")

    assert migrations.current(url) is None
    with psycopg.connect(url) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'tripwire'::regnamespace AND relkind = 'r'"
        ).fetchall()
        assert left == [("alembic_version",)]
        assert connection.execute("SELECT count(*) FROM tripwire.alembic_version").fetchone() == (0,)
        connection.execute("DROP TABLE tripwire.alembic_version; DROP SCHEMA tripwire")
    assert difference(before, dump(url)) == ""


def test_downgrade_base_counts_what_it_would_lose_and_refuses(make_database: MakeDatabase) -> None:
    url = make_database(migrated=False)
    migrations.upgrade(url, BASELINE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)

    with pytest.raises(CommandError, match="7 users; 5 students; 5 profiles; 10 module unlocks") as refused:
        migrations.downgrade(url, "base")

    assert "accept-loss=yes" in str(refused.value)
    assert migrations.current(url) == BASELINE
    migrations.downgrade(url, "base", accept_loss=True)
    assert migrations.current(url) is None
