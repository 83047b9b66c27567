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
    "trigger on standbys too": (
        "ALTER TABLE public.users ENABLE ALWAYS TRIGGER update_users_updated_at",
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
    "function for workers": (
        "ALTER FUNCTION tripwire.caller_id() PARALLEL SAFE",
        ("changed", "function", "tripwire.caller_id()"),
    ),
    "function with another search path": (
        "ALTER FUNCTION tripwire.caller_id() SET search_path = public",
        ("changed", "function", "tripwire.caller_id()"),
    ),
    "function of somebody else": (
        "ALTER FUNCTION tripwire.caller_id() OWNER TO service_role",
        ("changed", "function", "tripwire.caller_id()"),
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
    "index of a constraint changed": (
        "ALTER INDEX public.uq_users_email SET (fillfactor = 50)",
        ("changed", "constraint", "public.users.uq_users_email"),
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
