"""The same grants at head whatever a project's default privileges are, and the old ones back after a downgrade."""

import subprocess
from collections.abc import Callable

import psycopg
import pytest

from tripwire_db import migrations
from tripwire_db.embedded import find_program

MakeDatabase = Callable[..., str]

BEFORE = "20261117090000"

# What Supabase set for every project until 2026.
OLDER_DEFAULTS = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO postgres, anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO postgres, anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO postgres, anon, authenticated, service_role;
"""

GRANTS = """
SELECT relation.oid::regclass::text, coalesce(relacl, acldefault('r', relowner))::text[]
FROM pg_class AS relation
WHERE relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace) AND relkind IN ('r', 'S')
UNION ALL
SELECT oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner))::text[]
FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
ORDER BY 1
"""

GRANTED_BY_HAND = {
    "nothing at all": "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM anon, authenticated, service_role",
    "in another order": """
        REVOKE ALL ON TABLE public.users FROM anon, authenticated, service_role;
        GRANT SELECT, INSERT ON TABLE public.users TO service_role;
        GRANT ALL ON TABLE public.users TO authenticated WITH GRANT OPTION;
        GRANT SELECT ON TABLE public.users TO PUBLIC;
        GRANT UPDATE ON TABLE public.users TO anon;
    """,
    "to somebody else": "GRANT SELECT ON TABLE public.tripwire_users TO authenticator",
    "not even to the owner": "REVOKE ALL ON TABLE public.module_unlocks FROM postgres",
}


def grants(url: str) -> list[tuple[str, list[str]]]:
    with psycopg.connect(url) as connection:
        return connection.execute(GRANTS).fetchall()


def dump(url: str) -> str:
    command = [find_program("pg_dump"), "--schema-only", "--restrict-key=tripwire", url]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_older_default_privileges_change_nothing_at_head(make_database: MakeDatabase, database_url: str) -> None:
    url = make_database(migrated=False)
    with psycopg.connect(url) as connection:
        connection.execute(OLDER_DEFAULTS)
    migrations.upgrade(url)
    assert grants(url) == grants(database_url)


@pytest.mark.heavy
def test_under_older_default_privileges_each_downgrade_restores_each_grant(make_database: MakeDatabase) -> None:
    url = make_database(migrated=False)
    with psycopg.connect(url) as connection:
        connection.execute(OLDER_DEFAULTS)
    migrations.upgrade(url, "20261101090000")
    catalogs = []
    while migrations.current(url) not in migrations.heads():
        catalogs.append(dump(url))
        migrations.upgrade(url, "+1")
    for catalog in reversed(catalogs):
        migrations.downgrade(url, "-1")
        assert dump(url) == catalog, migrations.current(url)


@pytest.mark.parametrize("how", GRANTED_BY_HAND)
def test_grants_made_by_hand_come_back_in_their_order(make_database: MakeDatabase, how: str) -> None:
    """A database that was stamped has whatever grants its makers gave; head has the same ones everywhere."""
    url = make_database(migrated=BEFORE)
    with psycopg.connect(url) as connection:
        connection.execute(GRANTED_BY_HAND[how])
    catalog = dump(url)
    migrations.upgrade(url)
    at_head = dump(url)
    migrations.downgrade(url, BEFORE)
    assert dump(url) == catalog
    migrations.upgrade(url)
    assert dump(url) == at_head


def test_a_grantee_who_is_gone_by_then_is_passed_over(make_database: MakeDatabase) -> None:
    url = make_database(migrated=BEFORE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE reporting_of_a_test")
        connection.execute("GRANT SELECT ON TABLE public.users TO reporting_of_a_test")
        migrations.upgrade(url)
        connection.execute("REVOKE SELECT ON TABLE public.users FROM reporting_of_a_test")
        connection.execute("DROP ROLE reporting_of_a_test")
    migrations.downgrade(url, BEFORE)
    assert not any("reporting" in item for _, items in grants(url) for item in items)
