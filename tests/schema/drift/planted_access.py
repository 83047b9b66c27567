"""Changes by hand that open access without touching a table of the chain, each with what drift must find of it."""

# What opens access without touching a table of the chain: change, how it goes back, kind, a piece of the name, and what
# the finding must say of it. Roles belong to the whole server, so these are tried on one of their own.
PLANTED_ACCESS = {
    "member of service_role": (
        "GRANT service_role TO authenticated",
        "REVOKE service_role FROM authenticated",
        ("extra", "membership", "authenticated in service_role", "past row-level security"),
    ),
    "anon becomes authenticated": (
        "GRANT authenticated TO anon",
        "REVOKE authenticated FROM anon",
        ("extra", "membership", "anon in authenticated", "whatever authenticated may"),
    ),
    "member of pg_read_all_data": (
        "GRANT pg_read_all_data TO anon",
        "REVOKE pg_read_all_data FROM anon",
        ("extra", "membership", "anon in pg_read_all_data", "reads every table"),
    ),
    "member no more": (
        "REVOKE anon FROM authenticator",
        "GRANT anon TO authenticator",
        ("missing", "membership", "authenticator in anon", "can no longer become anon"),
    ),
    "role bypasses policies": (
        "ALTER ROLE authenticated BYPASSRLS",
        "ALTER ROLE authenticated NOBYPASSRLS",
        ("changed", "role", "authenticated", "past the policies"),
    ),
    "backend under policies": (
        "ALTER ROLE service_role NOBYPASSRLS",
        "ALTER ROLE service_role BYPASSRLS",
        ("changed", "role", "service_role", "now holds for service_role"),
    ),
    "role makes roles": (
        "ALTER ROLE authenticated CREATEROLE",
        "ALTER ROLE authenticated NOCREATEROLE",
        ("changed", "role", "authenticated", "may make roles"),
    ),
    "authenticator inherits": (
        "ALTER ROLE authenticator INHERIT",
        "ALTER ROLE authenticator NOINHERIT",
        ("changed", "role", "authenticator", "with no SET ROLE in between"),
    ),
    "role logs in": (
        "ALTER ROLE anon LOGIN",
        "ALTER ROLE anon NOLOGIN",
        ("changed", "role", "anon", "without PostgREST"),
    ),
    "create in public": (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "",
        ("extra", "grant", "public to public", "in place of the built-in ones"),
    ),
    "create in public for a role": (
        "GRANT CREATE ON SCHEMA public TO authenticated",
        "",
        ("changed", "grant", "public to authenticated", "in place of the built-in ones"),
    ),
    "create in the database": (
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO anon', current_database()); END $$",
        "",
        ("extra", "grant", "database to anon", "may make schemas"),
    ),
    "usage taken": (
        "REVOKE USAGE ON SCHEMA public FROM anon",
        "",
        ("missing", "grant", "public to anon", "its requests fail"),
    ),
    "usage of tripwire taken": (
        "REVOKE USAGE ON SCHEMA tripwire FROM authenticated",
        "",
        ("missing", "grant", "tripwire to authenticated", "its requests fail"),
    ),
    "auth users granted": (
        "GRANT SELECT ON auth.users TO anon",
        "",
        ("extra", "grant", "auth.users to anon", "hashes of their passwords"),
    ),
    "a column of auth users granted": (
        "GRANT SELECT (email) ON auth.users TO PUBLIC",
        "",
        ("extra", "grant", "auth.users to public", "hashes of their passwords"),
    ),
    "a policy on auth users": (
        "CREATE POLICY everybody ON auth.users FOR SELECT TO authenticated USING (true)",
        "",
        ("extra", "policy", "auth.users.everybody", "whoever asks"),
    ),
    "auth.uid replaced": (
        "CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$"
        " SELECT coalesce(current_setting('x.y', true), '00000000-0000-0000-0000-000000000001')::uuid $$",
        "",
        ("changed", "auth_function", "auth.uid()", "whomever they like"),
    ),
    "a view": (
        "CREATE VIEW public.emails AS SELECT email FROM public.users; GRANT SELECT ON public.emails TO anon",
        "",
        ("extra", "open_view", "public.emails over public.users", "no policy holds"),
    ),
    "a view over a view": (
        "CREATE SCHEMA elsewhere; CREATE VIEW elsewhere.inner AS SELECT email FROM public.users;"
        " CREATE VIEW public.emails AS SELECT * FROM elsewhere.inner; GRANT SELECT (email) ON public.emails TO anon",
        "",
        ("extra", "open_view", "public.emails over public.users", "no policy holds"),
    ),
    "a view over auth users": (
        "CREATE VIEW public.emails AS SELECT email FROM auth.users; GRANT SELECT ON public.emails TO authenticated",
        "",
        ("extra", "open_view", "public.emails over auth.users", "no policy holds"),
    ),
    "a copy": (
        "CREATE MATERIALIZED VIEW public.copy AS SELECT email FROM public.users; GRANT SELECT ON public.copy TO anon",
        "",
        ("extra", "open_view", "public.copy over public.users", "no policy holds"),
    ),
    "a definer function": (
        "CREATE FUNCTION public.peek() RETURNS SETOF public.users LANGUAGE sql SECURITY DEFINER"
        " SET search_path = '' AS 'SELECT * FROM public.users'",
        "",
        ("extra", "open_function", "public.peek() over public.users", "no policy holds"),
    ),
    "a definer function in a schema of its own": (
        "CREATE SCHEMA reports; CREATE FUNCTION reports.peek() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER"
        " SET search_path = '' AS 'BEGIN RETURN (SELECT count(*) FROM public.certificates); END'",
        "",
        ("extra", "open_function", "reports.peek() over public.certificates", "no policy holds"),
    ),
    "a policy for everybody": (
        "CREATE POLICY leak ON public.users FOR SELECT USING (true)",
        "",
        ("extra", "policy", "public.users.leak", "visitors who are not signed in"),
    ),
    "a policy for all who are signed in": (
        "CREATE POLICY leak ON public.users FOR SELECT TO authenticated USING (1 = 1)",
        "",
        ("extra", "policy", "public.users.leak", "every row of public.users"),
    ),
    "a policy opened": (
        "ALTER POLICY authenticated_select ON public.lessons TO anon, authenticated",
        "",
        ("changed", "policy", "public.lessons.authenticated_select", "visitors who are not signed in"),
    ),
    "a table unlogged": (
        "ALTER TABLE public.user_statistics SET UNLOGGED",
        "",
        ("changed", "table", "public.user_statistics", "emptied by a crash"),
    ),
    "a child": (
        "CREATE UNLOGGED TABLE public.archive () INHERITS (public.users)",
        "",
        ("extra", "child", "public.archive under public.users", "policies do not hold"),
    ),
    "a foreign key that refuses": (
        "CREATE TABLE public.notes (user_id uuid REFERENCES public.users)",
        "",
        ("extra", "referrer", "public.notes.notes_user_id_fkey", "deleting a student may fail"),
    ),
    "a foreign key that cascades": (
        "CREATE SCHEMA theirs; CREATE TABLE theirs.notes (user_id uuid REFERENCES public.users ON DELETE CASCADE)",
        "",
        ("extra", "referrer", "theirs.notes.notes_user_id_fkey", "deletes there, too"),
    ),
    "a foreign key to auth users that refuses": (
        "CREATE TABLE public.notes (user_id uuid REFERENCES auth.users)",
        "",
        ("extra", "referrer", "public.notes.notes_user_id_fkey", "deleting a student may fail"),
    ),
    "triggers off for the API": (
        "ALTER ROLE authenticated SET session_replication_role = replica",
        "ALTER ROLE authenticated RESET session_replication_role",
        ("extra", "setting", "authenticated everywhere session_replication_role", "do not fire"),
    ),
    "later tables open": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon",
        "",
        ("extra", "default_privilege", "to anon", "made later is open"),
    ),
    "a login that became a backend": (
        'CREATE ROLE "Spy x" LOGIN IN ROLE service_role',
        'DROP ROLE "Spy x"',
        ("extra", "membership", "Spy x in service_role", "past row-level security"),
    ),
    "a backend by way of a group": (
        "CREATE ROLE many IN ROLE service_role; CREATE ROLE spy LOGIN IN ROLE many",
        "DROP ROLE spy; DROP ROLE many",
        ("extra", "membership", "spy in many", "whatever many may"),
    ),
    "a login that became the owner": (
        "DO $$ BEGIN CREATE ROLE spy LOGIN; EXECUTE format('GRANT %I TO spy', current_user); END $$",
        "DROP ROLE spy",
        ("extra", "membership", "spy in <owner>", "it is the owner"),
    ),
    "a login that writes everything": (
        "CREATE ROLE spy LOGIN IN ROLE pg_write_all_data",
        "DROP ROLE spy",
        ("extra", "membership", "spy in pg_write_all_data", "writes every table"),
    ),
    "a login that runs programs": (
        "CREATE ROLE spy LOGIN IN ROLE pg_execute_server_program",
        "DROP ROLE spy",
        ("extra", "membership", "spy in pg_execute_server_program", "files or programs"),
    ),
    "one membership inherits": (
        "GRANT service_role TO authenticator WITH INHERIT TRUE",
        "GRANT service_role TO authenticator WITH INHERIT FALSE",
        ("changed", "membership", "authenticator in service_role", "no SET ROLE in between"),
    ),
    "may maintain": (
        "GRANT MAINTAIN ON public.users TO authenticated",
        "",
        ("changed", "grant", "public.users to authenticated", "may lock public.users"),
    ),
    "later tables maintained": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT MAINTAIN ON TABLES TO authenticated",
        "",
        ("extra", "default_privilege", "to authenticated", "made later is open"),
    ),
    "sets what a superuser sets": (
        "GRANT SET ON PARAMETER session_replication_role TO authenticated",
        "REVOKE SET ON PARAMETER session_replication_role FROM authenticated",
        ("extra", "grant", "parameter session_replication_role to authenticated", "switched off by it"),
    ),
    "passwords of the server": (
        "GRANT SELECT ON pg_catalog.pg_authid TO anon",
        "",
        ("extra", "grant", "pg_catalog.pg_authid to anon", "keeps to itself"),
    ),
    "files of the server": (
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO PUBLIC",
        "",
        ("extra", "grant", "pg_catalog.pg_read_file(text) to public", "keeps to itself"),
    ),
    "functions made in auth": (
        "GRANT CREATE ON SCHEMA auth TO authenticated",
        "",
        ("extra", "grant", "auth to authenticated", "where policies ask who calls"),
    ),
    "a view that others write by": (
        "CREATE VIEW public.gate WITH (security_invoker = off) AS SELECT * FROM public.users;"
        " GRANT DELETE ON public.gate TO authenticated",
        "",
        ("extra", "open_view", "public.gate over public.users", "no policy holds"),
    ),
    "a definer function that executes text": (
        "CREATE FUNCTION public.run(what text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''"
        " AS 'BEGIN EXECUTE what; END'",
        "",
        ("extra", "open_function", "public.run(what text) over any table", "no policy holds"),
    ),
    "a function that forgets who calls": (
        "ALTER FUNCTION tripwire.caller_id() IMMUTABLE",
        "",
        ("changed", "function", "tripwire.caller_id()", "one caller's answer for the next"),
    ),
    "a function that runs as its caller": (
        "ALTER FUNCTION tripwire.caller_role() SECURITY INVOKER",
        "",
        ("changed", "function", "tripwire.caller_role()", "sees what its caller sees"),
    ),
    "a leakproof function": (
        "ALTER FUNCTION tripwire.caller_id() LEAKPROOF",
        "",
        ("changed", "function", "tripwire.caller_id()", "rows that policies hide"),
    ),
    "an overload": (
        "CREATE FUNCTION public.rpc_get_manager_stats(who text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "",
        ("extra", "function", "public.rpc_get_manager_stats(who text)", "two of this name"),
    ),
    "a function in place of another": (
        "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
        "",
        ("extra", "shadow", "public.lower(character varying)", "in place of PostgreSQL's own"),
    ),
    "an operator in place of another": (
        "CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_eq)",
        "",
        ("extra", "shadow", "public.=(uuid, uuid)", "in place of PostgreSQL's own"),
    ),
    "a cast that nobody asks for": (
        "CREATE CAST (text AS uuid) WITH INOUT AS IMPLICIT",
        "",
        ("extra", "shadow", "text to uuid", "in place of PostgreSQL's own"),
    ),
    "an event trigger at login": (
        "CREATE FUNCTION public.greet() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        " CREATE EVENT TRIGGER greets ON login EXECUTE FUNCTION public.greet()",
        "",
        ("extra", "event_trigger", "greets", "the role that migrates among them"),
    ),
    "auth users published": (
        'CREATE PUBLICATION "Some of it" FOR TABLE auth.users (id, email)',
        "",
        ("extra", "publication", "Some of it of auth.users", "is sent to"),
    ),
}
