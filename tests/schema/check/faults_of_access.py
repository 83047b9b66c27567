"""What lets somebody in: revisions that are planted, by roles, grants, policies, tables and views."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A revision (SQL, or Python that begins with `op.`), its way back, the rule that it breaks, what the finding says."""

    up: str
    back: str
    rule: str
    said: str


OF_ACCESS = {
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
}
