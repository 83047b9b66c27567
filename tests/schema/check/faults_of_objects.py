"""What lets somebody in or runs in a place of ours: by publications, functions, operators, triggers, default privileges."""

from tests.schema.check.faults_of_access import Fault

OF_OBJECTS = {
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
