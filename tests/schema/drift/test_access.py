"""`tripwire-db drift`: each way to open access by hand is planted once, found, and its meaning told; readers are no drift."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.schema.drift.planted import by_hand
from tests.schema.drift.planted_access import PLANTED_ACCESS
from tripwire_db import migrations
from tripwire_db.embedded import Cluster, scratch_cluster
from tripwire_db.errors import Unavailable
from tripwire_db.schema.bootstrap import bootstrap
from tripwire_db.schema.drift import find_drift
from tripwire_db.schema.drift.allowed import Allowed


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server of these tests' own, since roles belong to all of its databases."""
    with scratch_cluster() as cluster:
        url = cluster.create_database("migrated")
        bootstrap(url)
        migrations.upgrade(url, quiet=True)
        yield cluster


@pytest.fixture
def url(server: Cluster) -> Iterator[str]:
    yield server.create_database("course", template="migrated")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE course WITH (FORCE)")


@pytest.mark.usefixtures("one_scratch")
@pytest.mark.parametrize("planted", PLANTED_ACCESS, ids=lambda name: name.replace(" ", "_"))
def test_what_opens_access_is_found_and_its_meaning_told(url: str, planted: str) -> None:
    sql, back, (change, kind, name, meaning) = PLANTED_ACCESS[planted]
    by_hand(url, sql)
    try:
        findings = find_drift(url).findings
    finally:
        by_hand(url, back)

    told = [f.meaning or "" for f in findings if f.change == change and f.kind == kind and name in f.name]
    assert told, findings
    assert any(meaning in text for text in told), told
    assert find_drift(url).findings == () if back else True


READERS = {
    "a superuser": "SUPERUSER",
    "one that reads everything": "IN ROLE pg_read_all_data",
    "one that bypasses row-level security": "BYPASSRLS IN ROLE pg_read_all_data",
}
SETTINGS = {
    "quote_all_identifiers": "on",
    "search_path": "public",
    "DateStyle": "German",
    "TimeZone": "Asia/Almaty",
    "standard_conforming_strings": "off",
    "default_transaction_read_only": "on",
}


@pytest.mark.usefixtures("one_scratch")
@pytest.mark.parametrize("kind", READERS, ids=lambda name: name.replace(" ", "_"))
def test_the_login_that_reads_and_its_settings_are_no_drift(server: Cluster, url: str, kind: str) -> None:
    by_hand(url, f"CREATE ROLE reader LOGIN {READERS[kind]}")
    for name, value in SETTINGS.items():
        by_hand(url, f"ALTER ROLE reader SET \"{name}\" = '{value}'")
    try:
        found = find_drift(server.url("course", user="reader"))
    finally:
        by_hand(url, "DROP ROLE reader")

    assert found.findings == ()
    hidden = any("does not see the rows of public.lessons" in note for note in found.notes)
    assert hidden == (kind == "one that reads everything")


def test_a_login_that_may_not_read_is_told_which_one_may(server: Cluster, url: str) -> None:
    by_hand(url, "CREATE ROLE reader LOGIN")
    try:
        with pytest.raises(Unavailable, match="a member of pg_read_all_data"):
            find_drift(server.url("course", user="reader"))
    finally:
        by_hand(url, "DROP ROLE reader")


@pytest.mark.usefixtures("one_scratch")
def test_a_backends_own_login_and_an_audit_of_ones_own_are_allowed_by_name(url: str) -> None:
    by_hand(
        url,
        "CREATE ROLE app LOGIN IN ROLE service_role; CREATE ROLE spy LOGIN IN ROLE service_role;"
        "CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION public.note()",
    )
    allow = [
        Allowed("membership", "app in service_role", "our backend"),
        Allowed("event_trigger", "audit", "our audit"),
    ]
    try:
        found = find_drift(url, allow=allow)
    finally:
        by_hand(url, "DROP ROLE app; DROP ROLE spy")

    assert [one.name for one in found.findings] == ["spy in service_role"]
    assert found.allowed == tuple(allow)


@pytest.mark.usefixtures("one_scratch")
def test_what_the_platform_brings_along_in_schemas_of_its_own_is_no_drift(url: str) -> None:
    by_hand(
        url,
        "CREATE ROLE supabase_admin SUPERUSER; CREATE SCHEMA extensions AUTHORIZATION supabase_admin;"
        "GRANT USAGE ON SCHEMA extensions TO anon; SET ROLE supabase_admin;"
        "CREATE FUNCTION extensions.count() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT count(*) FROM auth.users';"
        "CREATE VIEW extensions.users AS SELECT id FROM auth.users; GRANT SELECT ON extensions.users TO anon",
    )
    try:
        found = find_drift(url)
    finally:
        by_hand(url, "DROP OWNED BY supabase_admin; DROP ROLE supabase_admin")

    assert found.findings == ()
