"""`tripwire-db check`: whatever lets somebody in is planted once and found, on a plain server and on Supabase's own kind."""

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tripwire_db import migrations
from tripwire_db.schema.check import Report, check
from tripwire_db.schema.project import SUPABASE, Platform, Project

BASE = "20260101000000"
TABLES = """
CREATE TABLE public.towns (id integer PRIMARY KEY, name text);
REVOKE ALL ON public.towns FROM PUBLIC, anon, authenticated, service_role;
ALTER TABLE public.towns ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON public.towns FOR SELECT TO authenticated USING (id > 0);
GRANT SELECT ON public.towns TO authenticated;
"""

REVISION = '''"""Plant a fault."""

from alembic import op
from sqlalchemy import text

from revision_tools import execute

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None
LOSSES = ("declared",)


def upgrade() -> None:
    {up}


def downgrade() -> None:
    execute({back!r})
'''


@dataclass(frozen=True)
class Fault:
    """A revision (SQL, or Python that begins with `op.`), its way back, the rule that it breaks, what the finding says."""

    up: str
    back: str
    rule: str
    said: str


FAULTS = {
    "member of service_role": Fault(
        "GRANT service_role TO authenticated",
        "REVOKE service_role FROM authenticated",
        "api-roles",
        "authenticated becomes a member of service_role",
    ),
    "member of pg_read_all_data": Fault(
        "DO $$ BEGIN EXECUTE 'GRANT pg_read' || '_all_data TO anon'; END $$",
        "REVOKE pg_read_all_data FROM anon",
        "api-roles",
        "anon becomes a member of pg_read_all_data",
    ),
    "member no more": Fault(
        "REVOKE anon FROM authenticator", "GRANT anon TO authenticator", "api-roles", "requests as anon fail"
    ),
    "bypasses policies": Fault(
        "ALTER ROLE authenticated BYPASSRLS",
        "ALTER ROLE authenticated NOBYPASSRLS",
        "api-roles",
        "role authenticated is changed",
    ),
    "inherits": Fault(
        "ALTER ROLE authenticator INHERIT",
        "ALTER ROLE authenticator NOINHERIT",
        "api-roles",
        "role authenticator is changed",
    ),
    "creates in public": Fault(
        "GRANT CREATE ON SCHEMA public TO authenticated",
        "REVOKE CREATE ON SCHEMA public FROM authenticated",
        "api-roles",
        "authenticated may create in schema public",
    ),
    "may pass on": Fault(
        "GRANT SELECT ON public.towns TO authenticated WITH GRANT OPTION",
        "REVOKE GRANT OPTION FOR SELECT ON public.towns FROM authenticated",
        "api-roles",
        "authenticated may pass on SELECT with grant option of public.towns",
    ),
    "may maintain": Fault(
        "GRANT MAINTAIN ON public.towns TO authenticated",
        "REVOKE MAINTAIN ON public.towns FROM authenticated",
        "api-roles",
        "authenticated gains MAINTAIN on public.towns",
    ),
    "every right": Fault(
        "GRANT ALL ON public.towns TO authenticated",
        "REVOKE ALL ON public.towns FROM authenticated; GRANT SELECT ON public.towns TO authenticated",
        "api-roles",
        "authenticated gains REFERENCES, TRIGGER, TRUNCATE on public.towns",
    ),
    "a policy that looks no more": Fault(
        "ALTER POLICY read ON public.towns USING (true)",
        "ALTER POLICY read ON public.towns USING (id > 0)",
        "open-policy",
        "no longer looks at the row",
    ),
    "creates in the database": Fault(
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO service_role', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM service_role', current_database()); END $$",
        "api-roles",
        "service_role may create in the database",
    ),
    "usage taken": Fault(
        "REVOKE USAGE ON SCHEMA public FROM authenticated",
        "GRANT USAGE ON SCHEMA public TO authenticated",
        "api-roles",
        "authenticated loses USAGE of schema public",
    ),
    "a policy for everybody": Fault(
        "CREATE POLICY leak ON public.towns USING (1 = 1)",
        "DROP POLICY leak ON public.towns",
        "open-policy",
        "leak opens every row of public.towns to visitors",
    ),
    "a policy for anon": Fault(
        "CREATE POLICY door ON public.towns FOR INSERT TO anon WITH CHECK (true)",
        "DROP POLICY door ON public.towns",
        "open-policy",
        "door opens every row of public.towns to visitors",
    ),
    "a view": Fault(
        "CREATE VIEW public.names AS SELECT name FROM public.towns; GRANT SELECT ON public.names TO authenticated",
        "DROP VIEW public.names",
        "view-around-policies",
        "authenticated may read public.towns by the view names",
    ),
    "a view over auth users": Fault(
        "CREATE VIEW public.emails AS SELECT email FROM auth.users; GRANT SELECT ON public.emails TO authenticated",
        "DROP VIEW public.emails",
        "view-around-policies",
        "authenticated may read auth.users by the view emails",
    ),
    "auth users granted": Fault(
        "GRANT SELECT (email) ON auth.users TO authenticated",
        "REVOKE SELECT (email) ON auth.users FROM authenticated",
        "auth-schema",
        "authenticated gains rights on auth.users",
    ),
    "a policy on auth users": Fault(
        "CREATE POLICY everybody ON auth.users TO authenticated USING (id IS NOT NULL)",
        "DROP POLICY everybody ON auth.users",
        "auth-schema",
        "policy auth.users.everybody is made",
    ),
    "a trigger on auth users": Fault(
        "CREATE FUNCTION public.copy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "REVOKE ALL ON FUNCTION public.copy() FROM PUBLIC;"
        "CREATE TRIGGER copies AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.copy()",
        "DROP TRIGGER copies ON auth.users; DROP FUNCTION public.copy()",
        "auth-schema",
        "trigger auth.users.copies is made",
    ),
    "auth.uid replaced": Fault(
        "CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT gen_random_uuid()'",
        "SELECT 1",
        "auth-schema",
        "auth.uid() is replaced",
    ),
    "auth users that stay": Fault(
        "CREATE TABLE public.notes (id uuid PRIMARY KEY REFERENCES auth.users); ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY",
        "DROP TABLE public.notes",
        "auth-schema",
        "keeps auth users from being deleted",
    ),
    "an unlogged table": Fault(
        "ALTER TABLE public.towns SET UNLOGGED",
        "ALTER TABLE public.towns SET LOGGED",
        "unlogged-or-inherited",
        "table public.towns is unlogged",
    ),
    "a child": Fault(
        "CREATE TABLE public.villages () INHERITS (public.towns); ALTER TABLE public.villages ENABLE ROW LEVEL SECURITY",
        "DROP TABLE public.villages",
        "unlogged-or-inherited",
        "public.villages inherits from public.towns",
    ),
    "a login that becomes a backend": Fault(
        "DO $$ BEGIN CREATE ROLE \"Spy x\" LOGIN; EXECUTE 'GRANT service_' || 'role TO \"Spy x\"'; END $$",
        'DROP ROLE "Spy x"',
        "api-roles",
        "Spy x becomes a member of service_role",
    ),
    "a superuser made": Fault("CREATE ROLE boss LOGIN SUPERUSER", "DROP ROLE boss", "api-roles", "role boss is made"),
    "inherits one membership": Fault(
        "GRANT service_role TO authenticator WITH INHERIT TRUE",
        "GRANT service_role TO authenticator WITH INHERIT FALSE",
        "api-roles",
        "authenticator becomes a member of service_role",
    ),
    "granted to a login": Fault(
        "GRANT SELECT ON public.towns TO pg_monitor",
        "REVOKE SELECT ON public.towns FROM pg_monitor",
        "api-roles",
        "pg_monitor, which is no role of the API, gains SELECT on public.towns",
    ),
    "sets what a superuser sets": Fault(
        "GRANT SET ON PARAMETER session_replication_role TO authenticated",
        "REVOKE SET ON PARAMETER session_replication_role FROM authenticated",
        "api-roles",
        "authenticated gains SET on parameter session_replication_role",
    ),
    "passwords of the server": Fault(
        "GRANT SELECT ON pg_catalog.pg_authid TO authenticated",
        "REVOKE SELECT ON pg_catalog.pg_authid FROM authenticated",
        "api-roles",
        "authenticated gains SELECT on pg_catalog.pg_authid",
    ),
    "later tables open to all who are signed in": Fault(
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO authenticated",
        "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM authenticated",
        "api-roles",
        "what is made later has SELECT by itself",
    ),
    "a setting that stays": Fault(
        "ALTER ROLE postgres SET session_replication_role = replica",
        "ALTER ROLE postgres RESET session_replication_role",
        "session-settings",
        "postgres everywhere session_replication_role=replica",
    ),
    "a policy that lets all write": Fault(
        "CREATE POLICY pens ON public.towns FOR UPDATE TO authenticated USING (true) WITH CHECK (1 = 1)",
        "DROP POLICY pens ON public.towns",
        "open-policy",
        "pens lets authenticated write every row of public.towns",
    ),
    "a policy for anon that is always true": Fault(
        "CREATE POLICY same ON public.towns FOR SELECT TO anon USING (id = id)",
        "DROP POLICY same ON public.towns",
        "open-policy",
        "same opens rows of public.towns to visitors",
    ),
    "a view that others write by": Fault(
        "CREATE VIEW public.gate WITH (security_invoker = 'off') AS SELECT * FROM public.towns;"
        "GRANT DELETE ON public.gate TO authenticated",
        "DROP VIEW public.gate",
        "view-around-policies",
        "public.towns by the view gate",
    ),
    "everything published": Fault(
        "DO $$ BEGIN EXECUTE 'CREATE PUBLI' || 'CATION everything FOR ALL TABLES'; END $$",
        "DROP PUBLICATION everything",
        "publication",
        "everything tells its subscribers of rows of auth.users and",
    ),
    "some columns published": Fault(
        'CREATE PUBLICATION "Some of it" FOR TABLE public.notes (id)',
        "SELECT 1",
        "publication",
        "Some of it tells its subscribers of rows of public.notes",
    ),
    "published otherwise": Fault(
        "ALTER PUBLICATION \"Some of it\" SET (publish = 'insert')",
        "ALTER PUBLICATION \"Some of it\" SET (publish = 'insert, update, delete, truncate')",
        "publication",
        "Some of it tells its subscribers of rows of public.notes",
    ),
    "published no more": Fault(
        'DROP PUBLICATION "Some of it"',
        "CREATE PUBLICATION \"Some of it\" FOR TABLE public.notes (id) WITH (publish = 'insert')",
        "publication",
        "of public.notes no more",
    ),
    "a definer function without a search path, by its looks with one": Fault(
        "CREATE FUNCTION tripwire.teacher(why text DEFAULT E'SET SEARCH_PATH\\nAS ') RETURNS text LANGUAGE sql STABLE SECURITY"
        " DEFINER AS 'SELECT NULL::text'; REVOKE ALL ON FUNCTION tripwire.teacher FROM PUBLIC",
        "DROP FUNCTION tripwire.teacher",
        "definer-without-search-path",
        "tripwire.teacher(why text) runs as its owner",
    ),
    "a function that forgets who calls": Fault(
        "ALTER FUNCTION tripwire.teacher IMMUTABLE",
        "ALTER FUNCTION tripwire.teacher STABLE",
        "function-traits",
        "volatility of function tripwire.teacher(why text) changes from stable to immutable",
    ),
    "a function that runs as its caller": Fault(
        "DO $$ BEGIN EXECUTE 'ALTER FUNCTION tripwire.teacher SECURITY INV' || 'OKER'; END $$",
        "ALTER FUNCTION tripwire.teacher SECURITY DEFINER",
        "function-traits",
        "runs as owner of function tripwire.teacher(why text) changes from yes to no",
    ),
    "a leakproof function": Fault(
        "ALTER FUNCTION tripwire.teacher LEAKPROOF",
        "ALTER FUNCTION tripwire.teacher NOT LEAKPROOF",
        "function-traits",
        "tripwire.teacher(why text) is LEAKPROOF",
    ),
    "a function for workers": Fault(
        "ALTER FUNCTION tripwire.teacher PARALLEL SAFE",
        "ALTER FUNCTION tripwire.teacher PARALLEL UNSAFE",
        "function-traits",
        "parallel of function tripwire.teacher(why text) changes from unsafe to safe",
    ),
    "a function with a setting": Fault(
        "ALTER FUNCTION tripwire.teacher SET row_security = off",
        "ALTER FUNCTION tripwire.teacher RESET row_security",
        "function-traits",
        "settings of function tripwire.teacher(why text) changes from nothing to row_security=off",
    ),
    "a function that executes text": Fault(
        "CREATE FUNCTION tripwire.run(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS"
        " 'BEGIN EXECUTE $1; END'; REVOKE ALL ON FUNCTION tripwire.run FROM PUBLIC;"
        "GRANT EXECUTE ON FUNCTION tripwire.run TO authenticated",
        "DROP FUNCTION tripwire.run",
        "function-around-policies",
        "authenticated may reach any table by the function tripwire.run",
    ),
    "a function in a schema of its own": Fault(
        "CREATE SCHEMA reports; CREATE FUNCTION reports.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = ''"
        " AS 'SELECT count(*) FROM public.towns'",
        "DROP FUNCTION reports.peek(); DROP SCHEMA reports",
        "function-around-policies",
        "anon, authenticated may reach public.towns by the function reports.peek",
    ),
    "a table in a schema of its own": Fault(
        "CREATE SCHEMA copies; CREATE TABLE copies.towns AS SELECT * FROM public.towns; GRANT SELECT ON copies.towns TO anon",
        "DROP TABLE copies.towns; DROP SCHEMA copies",
        "elsewhere",
        "table towns of schema copies is made",
    ),
    "an extension": Fault(
        "CREATE EXTENSION dblink SCHEMA tripwire", "DROP EXTENSION dblink", "elsewhere", "extension dblink is made"
    ),
    "auth users without row-level security": Fault(
        "DO $$ BEGIN EXECUTE 'ALTER TABLE auth.us' || 'ers DISABLE ROW LEVEL SECURITY'; END $$",
        "ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY",
        "elsewhere",
        "row security users of schema auth is dropped",
    ),
    "who may make functions in auth": Fault(
        "GRANT CREATE ON SCHEMA auth TO authenticated",
        "REVOKE CREATE ON SCHEMA auth FROM authenticated",
        "auth-schema",
        "authenticated gains rights on auth",
    ),
    "two signatures": Fault(
        "CREATE FUNCTION public.two(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION public.two(text) RETURNS integer LANGUAGE sql AS 'SELECT 2';"
        "REVOKE ALL ON FUNCTION public.two(integer), public.two(text) FROM PUBLIC",
        "DROP FUNCTION public.two(integer), public.two(text)",
        "one-signature",
        "public.two has 2 signatures",
    ),
    "a function in place of another": Fault(
        "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT $1::text';"
        "REVOKE ALL ON FUNCTION public.lower(varchar) FROM PUBLIC",
        "DROP FUNCTION public.lower(varchar)",
        "shadows-built-in",
        "public.lower(character varying) may be found",
    ),
    "an operator in place of another": Fault(
        "CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_eq)",
        "DROP OPERATOR public.= (uuid, uuid)",
        "shadows-built-in",
        "public.=(uuid, uuid) may be found",
    ),
    "an aggregate in place of another": Fault(
        "CREATE AGGREGATE public.sum(text) (SFUNC = textcat, STYPE = text); REVOKE ALL ON FUNCTION public.sum(text) FROM PUBLIC",
        "DROP AGGREGATE public.sum(text)",
        "shadows-built-in",
        "public.sum(text) may be found",
    ),
    "a cast that nobody asks for": Fault(
        "CREATE CAST (text AS uuid) WITH INOUT AS IMPLICIT",
        "DROP CAST (text AS uuid)",
        "shadows-built-in",
        "text to uuid may be found",
    ),
    "a rule": Fault(
        "CREATE RULE nothing AS ON DELETE TO public.towns DO INSTEAD NOTHING",
        "DROP RULE nothing ON public.towns",
        "trigger",
        "rule public.towns.nothing works in others' statements",
    ),
    "an event trigger": Fault(
        "DO $$ BEGIN EXECUTE 'CREATE EVENT TRIGGER greets ON login EXECUTE FUNCTION tripwire.watch()'; END $$",
        "DROP EVENT TRIGGER greets",
        "trigger",
        "event trigger greets works in every later migration",
    ),
    "a trigger on standbys too": Fault(
        "ALTER TABLE public.towns ADD COLUMN updated_at timestamptz DEFAULT '2026-01-01' NOT NULL;"
        "CREATE FUNCTION tripwire.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS"
        " 'BEGIN NEW.updated_at = now(); RETURN NEW; END'; REVOKE ALL ON FUNCTION tripwire.touch() FROM PUBLIC;"
        "CREATE TRIGGER touched BEFORE UPDATE ON public.towns FOR EACH ROW EXECUTE FUNCTION tripwire.touch();"
        "ALTER TABLE public.towns ENABLE ALWAYS TRIGGER touched",
        "DROP TRIGGER touched ON public.towns; DROP FUNCTION tripwire.touch(); ALTER TABLE public.towns DROP COLUMN updated_at",
        "trigger",
        "trigger public.towns.touched is always",
    ),
    "a trigger that is off": Fault(
        "ALTER TABLE public.towns DISABLE TRIGGER USER",
        "ALTER TABLE public.towns ENABLE ALWAYS TRIGGER touched",
        "trigger",
        "trigger public.towns.touched is disabled",
    ),
    "row-level security forced": Fault(
        "ALTER TABLE public.towns FORCE ROW LEVEL SECURITY",
        "ALTER TABLE public.towns NO FORCE ROW LEVEL SECURITY",
        "table-without-rls",
        "public.towns forces row-level security on its owner",
    ),
    "a question that offline SQL cannot ask": Fault(
        'op.get_bind().execute(text("SELECT 1")).scalar_one()', "SELECT 1", "offline", "cannot be rendered as SQL"
    ),
    # Told of the head, so it is the last one.
    "an aggregation that fails": Fault(
        "CREATE FUNCTION public.rpc_ratio() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1 / (SELECT count(*)::integer"
        " FROM public.towns)'; REVOKE ALL ON FUNCTION public.rpc_ratio() FROM PUBLIC",
        "DROP FUNCTION public.rpc_ratio()",
        "function-fails",
        "rpc_ratio() fails: 22012",
    ),
}

FAULTS_THERE = {
    "a table that nobody revoked": Fault(
        "CREATE TABLE public.notes (id integer PRIMARY KEY); ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY",
        "DROP TABLE public.notes",
        "default-privileges",
        "on public.notes: anon, authenticated, service_role gain DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE",
    ),
    "a function revoked from PUBLIC alone": Fault(
        "CREATE FUNCTION public.secret() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        "REVOKE ALL ON FUNCTION public.secret() FROM PUBLIC",
        "DROP FUNCTION public.secret()",
        "default-privileges",
        "on public.secret(): anon, authenticated, service_role gain EXECUTE",
    ),
    "a sequence that nobody revoked": Fault(
        "CREATE SEQUENCE public.numbers",
        "DROP SEQUENCE public.numbers",
        "default-privileges",
        "on public.numbers: anon, authenticated, service_role gain SELECT, UPDATE, USAGE",
    ),
    "default privileges that stay": Fault(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM anon",
        "SELECT 1",
        "platform",
        "on tables in public to anon is not as it was",
    ),
    "for a superuser alone": Fault(
        "CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION tripwire.watch()",
        "DROP EVENT TRIGGER watch",
        "platform",
        "fails with Supabase's older default privileges",
    ),
}
WATCH = (
    "CREATE SCHEMA IF NOT EXISTS tripwire; CREATE FUNCTION tripwire.watch() RETURNS event_trigger LANGUAGE plpgsql "
    "AS 'BEGIN END'; REVOKE ALL ON FUNCTION tripwire.watch() FROM PUBLIC"
)


def judge(folder: Path, faults: dict[str, Fault], platform: Platform | None) -> tuple[Report, dict[str, str]]:
    """Check a small chain with these on top; give the report, and each one's revision."""
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "revision_tools.py"):
        shutil.copy(migrations.script_location() / name, folder / name)
    base = Fault(f"{TABLES}{WATCH}", "DROP TABLE public.towns; DROP FUNCTION tripwire.watch()", "", "")
    ids: dict[str, str] = {}
    below: str | None = None
    for number, (name, fault) in enumerate({"": base, **faults}.items()):
        ids[name] = revision = str(int(BASE) + number)
        up = fault.up if fault.up.startswith("op.") else f"execute({fault.up!r})"
        text = REVISION.format(revision=revision, down=below, up=up, back=fault.back)
        (folder / "versions" / f"{revision}_planted.py").write_text(text)
        below = revision
    project = Project(
        folder=lambda: folder,
        version_table_schema="tripwire",
        schemas=("public", "tripwire"),
        home_schema="tripwire",
        baseline=BASE,
        prepare="tripwire_db.schema.bootstrap:bootstrap",
        functions=r"rpc\_%",
        platform=platform,
    )
    return check(folder, project=project), ids


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, dict[str, str]]:
    return judge(tmp_path_factory.mktemp("plain") / "alembic", FAULTS, None)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """On Supabase's own kind of server, all but the one that cannot run there."""
    faults = dict(list(FAULTS_THERE.items())[:-1])
    return judge(tmp_path_factory.mktemp("there") / "alembic", faults, SUPABASE)[0]


@pytest.mark.parametrize("name", FAULTS, ids=lambda name: name.replace(" ", "_"))
def test_a_revision_that_lets_somebody_in_is_found(plain: tuple[Report, dict[str, str]], name: str) -> None:
    report, ids = plain
    fault = FAULTS[name]

    found = [finding for finding in report.findings if finding.revision == ids[name] and finding.rule == fault.rule]

    assert any(fault.said in finding.message for finding in found), [
        finding for finding in report.findings if finding.revision == ids[name]
    ]


@pytest.mark.parametrize("name", list(FAULTS_THERE)[:-1], ids=lambda name: name.replace(" ", "_"))
def test_what_default_privileges_open_is_found(there: Report, name: str) -> None:
    fault = FAULTS_THERE[name]
    found = [finding.message for finding in there.findings if finding.rule == fault.rule]
    assert any(fault.said in message for message in found), there.findings


def test_what_runs_as_a_superuser_alone_is_found(tmp_path: Path) -> None:
    (name, fault), *_ = reversed(FAULTS_THERE.items())
    report, ids = judge(tmp_path / "alembic", {name: fault}, SUPABASE)
    found = [
        finding.message for finding in report.findings if (finding.rule, finding.revision) == (fault.rule, ids[name])
    ]
    assert any(fault.said in message for message in found), report.findings


def test_a_platform_without_servers_to_try_is_not_tried(tmp_path: Path) -> None:
    report, _ = judge(tmp_path / "alembic", {"": FAULTS["a view"]}, dataclasses.replace(SUPABASE, databases=None))
    assert {finding.rule for finding in report.findings} & {"platform", "default-privileges"} == set()
