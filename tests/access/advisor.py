"""What Supabase's Security and Performance Advisor would find, told from the catalog, and a way to plant each finding."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One kind of finding: a query that names each culprit in one text column, and DDL that makes one."""

    kind: str
    query: str
    plant: str


FINDINGS = (
    Finding(
        "a table in public without row-level security",
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity
        """,
        "CREATE TABLE public.planted (id integer PRIMARY KEY)",
    ),
    Finding(
        "row-level security without a policy",
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relrowsecurity
            AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)
        """,
        """
        CREATE TABLE public.planted (id integer PRIMARY KEY);
        ALTER TABLE public.planted ENABLE ROW LEVEL SECURITY
        """,
    ),
    Finding(
        "a policy where row-level security is off",
        """
        SELECT relname || ': ' || polname FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
        WHERE NOT relrowsecurity
        """,
        "ALTER TABLE public.lessons DISABLE ROW LEVEL SECURITY",
    ),
    Finding(
        "forced row-level security, which blinds definer functions of an owner who is no superuser",
        "SELECT relname FROM pg_class WHERE relforcerowsecurity",
        "ALTER TABLE public.users FORCE ROW LEVEL SECURITY",
    ),
    Finding(
        "the version table or a helper in the exposed schema",
        """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname LIKE '%version%'
        """,
        "CREATE TABLE public.alembic_version (version_num text PRIMARY KEY)",
    ),
    Finding(
        "a definer function in public, trigger functions too",
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef",
        "CREATE FUNCTION public.planted() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1'",
    ),
    Finding(
        "a view in public that runs as its owner",
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
            AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)
        """,
        "CREATE VIEW public.planted AS SELECT id FROM public.users",
    ),
    Finding(
        "a function that anon or PUBLIC may execute",
        """
        SELECT proname FROM pg_proc
        WHERE pronamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
            AND (has_function_privilege('anon', oid, 'EXECUTE') OR proacl IS NULL OR proacl::text LIKE '%{=X%')
        """,
        "CREATE FUNCTION public.planted() RETURNS integer LANGUAGE sql SET search_path = '' AS 'SELECT 1'",
    ),
    Finding(
        "a grant to anon or PUBLIC",
        """
        SELECT relname || ': ' || privilege_type
        FROM pg_class CROSS JOIN LATERAL aclexplode(coalesce(relacl, acldefault('r', relowner)))
        WHERE relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace) AND relkind IN ('r', 'p', 'v', 'm', 'S')
            AND grantee IN (0, 'anon'::regrole)
        """,
        "GRANT SELECT (title) ON public.modules TO anon; GRANT SELECT ON public.lessons TO anon",
    ),
    Finding(
        "a grant of a single column, which a look at tables does not show",
        """
        SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE attacl IS NOT NULL AND relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
        """,
        "GRANT UPDATE (price) ON public.tripwire_users TO authenticated",
    ),
    Finding(
        "more than SELECT for authenticated",
        """
        SELECT relname || ': ' || privilege_type
        FROM pg_class CROSS JOIN LATERAL aclexplode(relacl)
        WHERE relnamespace = 'public'::regnamespace AND grantee = 'authenticated'::regrole AND privilege_type <> 'SELECT'
        """,
        "GRANT UPDATE ON public.tripwire_users TO authenticated",
    ),
    Finding(
        "a function without a fixed search_path",
        """
        SELECT proname FROM pg_proc
        WHERE pronamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
            AND NOT EXISTS (SELECT FROM unnest(proconfig) AS setting WHERE setting LIKE 'search_path=%')
        """,
        "CREATE FUNCTION tripwire.planted() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    ),
    Finding(
        "a policy that asks who calls for every row",
        r"""
        SELECT tablename || ': ' || policyname
        FROM pg_policies CROSS JOIN LATERAL (VALUES (qual), (with_check)) AS part (body)
        WHERE schemaname = 'public'
            AND regexp_replace(body, 'SELECT (auth|tripwire)\.\w+\(\)', '', 'gi')
                ~ '(auth|tripwire)\.\w+\(|current_setting\('
        """,
        "CREATE POLICY planted ON public.users FOR DELETE TO authenticated USING (id = auth.uid())",
    ),
    Finding(
        "two permissive policies for one role and command",
        """
        SELECT tablename || ': ' || role || ' ' || command
        FROM pg_policies
        CROSS JOIN LATERAL unnest(roles) AS role
        CROSS JOIN LATERAL unnest(
            CASE cmd WHEN 'ALL' THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] ELSE ARRAY[cmd] END
        ) AS command
        WHERE schemaname = 'public' AND permissive = 'PERMISSIVE'
        GROUP BY tablename, role, command
        HAVING count(*) > 1
        """,
        "CREATE POLICY planted ON public.users FOR ALL TO authenticated USING (id IS NULL)",
    ),
    Finding(
        "a policy for everybody instead of a role",
        "SELECT tablename || ': ' || policyname FROM pg_policies WHERE schemaname = 'public' AND 'public' = ANY (roles)",
        "CREATE POLICY planted ON public.users FOR DELETE USING (id IS NULL)",
    ),
    Finding(
        "a policy that lets everything be written",
        r"""
        SELECT tablename || ': ' || policyname
        FROM pg_policies CROSS JOIN LATERAL (VALUES (qual), (with_check)) AS part (body)
        WHERE schemaname = 'public' AND cmd <> 'SELECT' AND body ~* '^\s*\(?\s*(true|1\s*=\s*1)\s*\)?\s*$'
        """,
        "CREATE POLICY planted ON public.users FOR INSERT TO authenticated WITH CHECK (true)",
    ),
    Finding(
        "a policy that is true where nobody calls",
        r"""
        SELECT tablename || ': ' || policyname FROM pg_policies
        WHERE schemaname = 'public' AND coalesce(qual, with_check) ~* '\(\)( AS \w+)?\)? IS NULL'
        """,
        "CREATE POLICY planted ON public.users FOR DELETE TO authenticated USING ((SELECT auth.uid()) IS NULL)",
    ),
    Finding(
        "a policy that trusts what a person can edit",
        r"""
        SELECT tablename || ': ' || policyname
        FROM pg_policies CROSS JOIN LATERAL (VALUES (qual), (with_check)) AS part (body)
        WHERE schemaname = 'public' AND body ~* 'user_meta_?data'
        UNION ALL
        SELECT proname FROM pg_proc
        WHERE pronamespace IN ('public'::regnamespace, 'tripwire'::regnamespace) AND prosrc ~* 'user_meta_?data'
        """,
        """
        CREATE POLICY planted ON public.users FOR DELETE TO authenticated
            USING ((SELECT auth.jwt()) -> 'user_metadata' ->> 'role' = 'admin')
        """,
    ),
    Finding(
        "a policy on a table that reads the table itself, and so recurses",
        r"""
        SELECT tablename || ': ' || policyname FROM pg_policies
        WHERE schemaname = 'public' AND coalesce(qual, '') || coalesce(with_check, '') ~* ('from (only )?(public\.)?' || tablename)
        """,
        """
        CREATE POLICY planted ON public.users FOR DELETE TO authenticated
            USING (EXISTS (SELECT FROM public.users AS me WHERE me.role = 'admin'))
        """,
    ),
    Finding(
        "a foreign key without an index",
        """
        SELECT conrelid::regclass || ': ' || conname
        FROM pg_constraint AS fk
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace
            AND NOT EXISTS (
                SELECT FROM pg_index
                WHERE indrelid = conrelid AND indpred IS NULL AND indisvalid
                    AND (string_to_array(indkey::text, ' ')::int2[])[1:cardinality(conkey)] @> conkey
            )
        """,
        "ALTER TABLE public.users ADD COLUMN planted integer REFERENCES public.modules (id)",
    ),
    Finding(
        "two indexes that are the same",
        """
        SELECT string_agg(indexrelid::regclass::text, ', ')
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relnamespace = 'public'::regnamespace
        GROUP BY indrelid, regexp_replace(pg_get_indexdef(indexrelid), '^CREATE (UNIQUE )?INDEX .*? ON ', '')
        HAVING count(*) > 1
        """,
        "CREATE INDEX planted ON public.users (email)",
    ),
    Finding(
        "a table without a primary key",
        """
        SELECT relname FROM pg_class
        WHERE relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace) AND relkind IN ('r', 'p')
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')
        """,
        "CREATE TABLE tripwire.planted (id integer)",
    ),
    Finding(
        "an invalid index",
        "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.pk_users'::regclass",
    ),
)
