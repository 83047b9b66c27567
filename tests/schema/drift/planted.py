"""Changes by hand, each with what drift must find of it; a table of the docs names them."""

import psycopg

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


def by_hand(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        policy = connection.execute(
            "SELECT polname FROM pg_policy WHERE polrelid = 'public.users'::regclass"
        ).fetchone()
        connection.execute(sql.replace("{policy}", f'"{policy[0]}"' if policy else "").encode())


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
}

# How things are stored, estimated and sent away.
PLANTED_DETAILS = {
    "storage of a column": (
        "ALTER TABLE public.users ALTER COLUMN full_name SET STORAGE EXTERNAL",
        ("extra", "column_detail", "public.users.full_name", "no value differs"),
    ),
    "compression of a column": (
        "ALTER TABLE public.users ALTER COLUMN full_name SET COMPRESSION pglz",
        ("extra", "column_detail", "public.users.full_name", "no value differs"),
    ),
    "statistics target": (
        "ALTER TABLE public.users ALTER COLUMN role SET STATISTICS 500",
        ("extra", "column_detail", "public.users.role", "no value differs"),
    ),
    "options of a column": (
        "ALTER TABLE public.users ALTER COLUMN role SET (n_distinct = 3)",
        ("extra", "column_detail", "public.users.role", "no value differs"),
    ),
    "toast options": (
        "ALTER TABLE public.sales_activity_log SET (toast.autovacuum_enabled = off)",
        ("extra", "toast", "public.sales_activity_log", "no value differs"),
    ),
    "storage options": (
        "ALTER TABLE public.users SET (fillfactor = 50)",
        ("changed", "table", "public.users", ""),
    ),
    "extended statistics": (
        "CREATE STATISTICS public.of_users ON role, email FROM public.users",
        ("extra", "statistics", "public.of_users", "no value differs"),
    ),
    "publication of a table": (
        "CREATE PUBLICATION supabase_realtime FOR TABLE public.users",
        ("extra", "publication", "supabase_realtime of public.users", "is sent to"),
    ),
    "publication of everything": (
        "CREATE PUBLICATION everything FOR ALL TABLES",
        ("extra", "publication", "everything of public.certificates", "is sent to"),
    ),
    "sequence unlogged": (
        "ALTER SEQUENCE tripwire.certificate_number_seq SET UNLOGGED",
        ("changed", "sequence", "certificate_number_seq", "numbers come twice"),
    ),
    "sequence restarted": (
        "INSERT INTO auth.users (id, email) VALUES ('00000000-0000-0000-0000-000000000001', 'a@example.com');"
        "INSERT INTO public.users (id, email, full_name, role) VALUES"
        " ('00000000-0000-0000-0000-000000000001', 'a@example.com', 'A', 'student');"
        "INSERT INTO public.certificates (user_id, full_name, url) VALUES ('00000000-0000-0000-0000-000000000001', 'A', 'u');"
        "ALTER SEQUENCE tripwire.certificate_number_seq RESTART",
        ("changed", "sequence", "certificate_number_seq", "next numbers are taken"),
    ),
    "not null never validated": (
        "ALTER TABLE public.users ADD CONSTRAINT chat_given NOT NULL telegram_chat_id NOT VALID",
        ("extra", "column_detail", "public.users.telegram_chat_id", "never validated"),
    ),
}

# What is told and is no drift.
PLANTED_NOTES = {
    "columns in another order": (
        "ALTER TABLE public.users ADD COLUMN again timestamptz DEFAULT now() NOT NULL;"
        "ALTER TABLE public.users DROP COLUMN created_at CASCADE;"
        "ALTER TABLE public.users RENAME COLUMN again TO created_at",
        "the columns of public.users stand in another order",
    ),
    "a lesson changed": (
        "UPDATE public.lessons SET title = 'secret' WHERE id = 67",
        "public.lessons, row 67: title changed since the chain made it",
    ),
    "a lesson added": (
        "INSERT INTO public.lessons (id, module_id, title, archived) VALUES (70, 16, 'secret', true)",
        "public.lessons has a row 70, which the chain does not make",
    ),
    "a module removed": (
        "DELETE FROM public.lessons WHERE module_id = 18; DELETE FROM public.modules WHERE id = 18",
        "public.modules has no row 18, which the chain makes",
    ),
}
