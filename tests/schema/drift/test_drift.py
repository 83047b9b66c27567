"""`tripwire-db drift`: each kind of change by hand is planted once and found; a clean database shows none."""

import json

import psycopg
import pytest
from typer.testing import CliRunner

from tests.conftest import MakeDatabase
from tripwire_db import migrations
from tripwire_db.cli.app import app
from tripwire_db.errors import Refused, Unavailable
from tripwire_db.postgres.catalog import Catalog
from tripwire_db.schema import drift as drift_module
from tripwire_db.schema.drift import catalog_of_chain, find_drift

# What is done by hand, and what must be found: change, kind, and a piece of the name.
PLANTED = {
    "table dropped": ("DROP TABLE public.certificates", ("missing", "table", "public.certificates")),
    "column added": ("ALTER TABLE public.users ADD COLUMN phone text", ("extra", "column", "public.users.phone")),
    "column dropped": (
        "ALTER TABLE public.users DROP COLUMN telegram_chat_id",
        ("missing", "column", "public.users.telegram_chat_id"),
    ),
    "type changed": (
        "ALTER TABLE public.users ALTER COLUMN telegram_chat_id TYPE numeric",
        ("changed", "column", "public.users.telegram_chat_id"),
    ),
    "default changed": (
        "ALTER TABLE public.tripwire_users ALTER COLUMN price SET DEFAULT 0",
        ("changed", "column", "public.tripwire_users.price"),
    ),
    "not null dropped": (
        "ALTER TABLE public.tripwire_users ALTER COLUMN full_name DROP NOT NULL",
        ("changed", "column", "public.tripwire_users.full_name"),
    ),
    "check body changed": (
        "ALTER TABLE public.tripwire_users DROP CONSTRAINT ck_tripwire_users_price,"
        " ADD CONSTRAINT ck_tripwire_users_price CHECK (price >= -1)",
        ("changed", "constraint", "ck_tripwire_users_price"),
    ),
    "constraint dropped": (
        "ALTER TABLE public.users DROP CONSTRAINT uq_users_email",
        ("missing", "constraint", "uq_users_email"),
    ),
    "constraint not valid": (
        "ALTER TABLE public.users DROP CONSTRAINT ck_users_role, ADD CONSTRAINT ck_users_role CHECK"
        " (role IN ('student', 'sales_manager', 'admin', 'curator', 'tech_support')) NOT VALID",
        ("changed", "constraint", "ck_users_role"),
    ),
    "foreign key switched off": (
        "ALTER TABLE public.lessons DISABLE TRIGGER ALL",
        ("changed", "constraint", "fk_lessons_module_id"),
    ),
    "index dropped": ("DROP INDEX public.idx_users_role", ("missing", "index", "idx_users_role")),
    "index predicate changed": (
        "DROP INDEX public.idx_users_role; CREATE INDEX idx_users_role ON public.users (role) WHERE role = 'admin'",
        ("changed", "index", "idx_users_role"),
    ),
    "index invalid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.idx_users_role'::regclass",
        ("changed", "index", "idx_users_role"),
    ),
    "trigger disabled": (
        "ALTER TABLE public.users DISABLE TRIGGER update_users_updated_at",
        ("changed", "trigger", "update_users_updated_at"),
    ),
    "trigger dropped": (
        "DROP TRIGGER update_users_updated_at ON public.users",
        ("missing", "trigger", "update_users_updated_at"),
    ),
    "trigger added": (
        "CREATE TRIGGER spy BEFORE UPDATE ON public.users FOR EACH ROW"
        " EXECUTE FUNCTION public.update_updated_at_column()",
        ("extra", "trigger", "public.users.spy"),
    ),
    "event trigger disabled": (
        "ALTER EVENT TRIGGER pgrst_watch DISABLE",
        ("changed", "event_trigger", "pgrst_watch"),
    ),
    "event trigger dropped": ("DROP EVENT TRIGGER pgrst_watch_drop", ("missing", "event_trigger", "pgrst_watch_drop")),
    "function changed": (
        "CREATE OR REPLACE FUNCTION tripwire.caller_role() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER"
        " SET search_path = '' AS $$ SELECT 'admin' $$",
        ("changed", "function", "tripwire.caller_role()"),
    ),
    "function dropped": (
        "DROP FUNCTION public.rpc_check_video_qualification(uuid, integer)",
        ("missing", "function", "rpc_check_video_qualification"),
    ),
    "policy changed": (
        "ALTER POLICY {policy} ON public.users USING (true)",
        ("changed", "policy", "public.users."),
    ),
    "policy added": (
        "CREATE POLICY leak ON public.users FOR SELECT TO authenticated USING (true)",
        ("extra", "policy", "public.users.leak"),
    ),
    "row-level security off": (
        "ALTER TABLE public.users DISABLE ROW LEVEL SECURITY",
        ("changed", "table", "public.users"),
    ),
    "row-level security forced": (
        "ALTER TABLE public.users FORCE ROW LEVEL SECURITY",
        ("changed", "table", "public.users"),
    ),
    "table granted": ("GRANT SELECT ON public.lessons TO anon", ("extra", "grant", "public.lessons to anon")),
    "column granted": (
        "GRANT UPDATE (title) ON public.lessons TO authenticated",
        ("extra", "grant", "public.lessons.title to authenticated"),
    ),
    "function granted": (
        "GRANT EXECUTE ON FUNCTION public.rpc_get_sales_leaderboard TO anon",
        (
            "extra",
            "grant",
            "rpc_get_sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) to anon",
        ),
    ),
    "grant revoked": (
        "REVOKE SELECT ON public.lessons FROM authenticated",
        ("missing", "grant", "public.lessons to authenticated"),
    ),
    "schema granted": ("GRANT CREATE ON SCHEMA tripwire TO anon", ("extra", "grant", "tripwire to anon")),
    "default privileges": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon",
        ("extra", "default_privilege", "to anon"),
    ),
    "owner changed": ("ALTER TABLE public.modules OWNER TO service_role", ("changed", "table", "public.modules")),
    "database setting": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = evil', current_database()); END $$",
        ("extra", "setting", "search_path"),
    ),
    "role setting here": (
        "DO $$ BEGIN EXECUTE format("
        "'ALTER ROLE authenticated IN DATABASE %I SET statement_timeout = 1', current_database()); END $$",
        ("extra", "setting", "authenticated in this database statement_timeout"),
    ),
    "comment changed": ("COMMENT ON INDEX public.idx_users_role IS 'mine'", ("changed", "index", "idx_users_role")),
    "sequence changed": (
        "ALTER SEQUENCE tripwire.certificate_number_seq CYCLE",
        ("changed", "sequence", "certificate_number_seq"),
    ),
    "rule added": (
        "CREATE RULE silent AS ON DELETE TO public.lessons DO INSTEAD NOTHING",
        ("extra", "rule", "public.lessons.silent"),
    ),
}


@pytest.fixture(scope="module")
def expected() -> Catalog:
    """What the chain makes at head: built once, since every test compares with the same."""
    return catalog_of_chain(migrations.heads()[0])


@pytest.fixture
def one_scratch(expected: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_module, "catalog_of_chain", lambda _: expected)


def by_hand(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        policy = connection.execute(
            "SELECT polname FROM pg_policy WHERE polrelid = 'public.users'::regclass"
        ).fetchone()
        connection.execute(sql.replace("{policy}", f'"{policy[0]}"' if policy else "").encode())


@pytest.mark.usefixtures("one_scratch")
@pytest.mark.parametrize("planted", PLANTED, ids=lambda name: name.replace(" ", "_"))
def test_a_change_by_hand_is_found(make_database: MakeDatabase, planted: str) -> None:
    sql, (change, kind, name) = PLANTED[planted]
    url = make_database()
    by_hand(url, sql)

    findings = find_drift(url).findings

    assert any(f.change == change and f.kind == kind and name in f.name for f in findings), findings


def test_a_clean_database_shows_none_on_every_version(make_database: MakeDatabase, major: int) -> None:
    found = find_drift(make_database(server=major))

    assert found.findings == ()
    assert found.notes == ()
    assert found.not_ours == ()


def test_a_pending_revision_is_no_drift(make_database: MakeDatabase) -> None:
    older = migrations.revisions()[-3]

    found = find_drift(make_database(migrated=older))

    assert (found.revision, found.findings) == (older, ())


@pytest.mark.usefixtures("one_scratch")
def test_a_function_that_fails_when_it_is_called_is_found(database_url: str) -> None:
    by_hand(database_url, "ALTER TABLE public.tripwire_user_profile RENAME COLUMN total_modules TO modules")

    failing = [finding.name for finding in find_drift(database_url).findings if finding.change == "fails"]

    assert any("rpc_get_sales_leaderboard" in name for name in failing)


@pytest.mark.usefixtures("one_scratch")
def test_what_is_not_ours_is_left_out_and_listed(database_url: str) -> None:
    by_hand(database_url, "CREATE TABLE public.tripwire_progress (id bigint); CREATE SCHEMA theirs")

    found = find_drift(database_url)

    assert found.findings == ()
    assert {str(key) for key in found.not_ours} >= {"table public.tripwire_progress"}


@pytest.mark.usefixtures("one_scratch")
def test_the_live_database_is_only_read(database_url: str) -> None:
    by_hand(
        database_url,
        "CREATE OR REPLACE FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer)"
        " RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT nextval('tripwire.certificate_number_seq') > 0 $$",
    )

    found = find_drift(database_url)

    assert any(f.change == "fails" and "read-only" in (f.differences[0].found or "") for f in found.findings)


@pytest.mark.usefixtures("one_scratch")
def test_the_command_prints_a_diff_json_and_exit_codes(database_url: str) -> None:
    run = CliRunner().invoke
    assert run(app, ["drift", "--database-url", database_url]).exit_code == 0

    by_hand(database_url, PLANTED["default changed"][0])
    text = run(app, ["drift", "--database-url", database_url])
    machine = run(app, ["drift", "--database-url", database_url, "--json"])

    assert (text.exit_code, machine.exit_code) == (1, 1)
    assert "default: expected 5000, found 0" in text.stdout
    (finding,) = json.loads(machine.stdout)["findings"]
    assert finding["differences"] == [{"attribute": "default", "expected": "5000", "found": "0"}]


def test_a_database_that_is_not_under_alembic_is_refused(empty_database_url: str) -> None:
    with pytest.raises(Refused, match="adopt"):
        find_drift(empty_database_url)


def test_a_server_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(Unavailable, match="could not be reached: no server is there") as failed:
        find_drift("postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(failed.value)
