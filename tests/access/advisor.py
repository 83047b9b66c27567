"""What Supabase's Security and Performance Advisor would find, told from the catalog, and a way to plant each finding.

Left out of its lints is what no schema brings about: the state of tables and slots (table_bloat, unused_replication_slot),
other products (insecure_queue_exposed_in_api, public_bucket_allows_listing) and extension_versions_outdated, since the
chain installs no extension. Of unused_index and the lints on GraphQL and anonymous sign-ins docs/reference/access.md speaks.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One kind of finding: a query that names each culprit in one text column, and DDL that makes one.

    `lints` are the advisor's own names for it; none where only we look.
    """

    kind: str
    query: str
    plant: str
    lints: tuple[str, ...] = ()


FINDINGS = (
    Finding(
        "a table in public without row-level security",
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity
        """,
        "CREATE TABLE public.planted (id integer PRIMARY KEY)",
        ("rls_disabled_in_public",),
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
        ("rls_enabled_no_policy",),
    ),
    Finding(
        "a policy where row-level security is off",
        """
        SELECT relname || ': ' || polname FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
        WHERE NOT relrowsecurity
        """,
        "ALTER TABLE public.lessons DISABLE ROW LEVEL SECURITY",
        ("policy_exists_rls_disabled",),
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
        ("anon_security_definer_function_executable", "authenticated_security_definer_function_executable"),
    ),
    Finding(
        "a view in public that runs as its owner",
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
            AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)
        """,
        "CREATE VIEW public.planted AS SELECT id FROM public.users",
        ("security_definer_view",),
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
        ("pg_graphql_anon_table_exposed",),
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
        ("function_search_path_mutable",),
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
        ("auth_rls_initplan",),
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
        ("multiple_permissive_policies",),
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
        ("rls_policy_always_true",),
    ),
    Finding(
        "a policy that is true where nobody calls",
        r"""
        SELECT tablename || ': ' || policyname FROM pg_policies
        WHERE schemaname = 'public' AND coalesce(qual, with_check) ~* '\(\)( AS \w+)?\)? IS NULL'
        """,
        "CREATE POLICY planted ON public.users FOR DELETE TO authenticated USING ((SELECT auth.uid()) IS NULL)",
        ("rls_policy_null_auth_disjunct",),
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
        ("rls_references_user_metadata",),
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
        ("unindexed_foreign_keys",),
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
        "CREATE INDEX planted ON public.users (email); CREATE INDEX planted_again ON public.users (email)",
        ("duplicate_index",),
    ),
    Finding(
        "a table without a primary key",
        """
        SELECT relname FROM pg_class
        WHERE relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace) AND relkind IN ('r', 'p')
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')
        """,
        "CREATE TABLE tripwire.planted (id integer)",
        ("no_primary_key",),
    ),
    Finding(
        "a view in public that reads auth.users",
        """
        SELECT ev_class::regclass::text
        FROM pg_rewrite JOIN pg_depend ON objid = pg_rewrite.oid JOIN pg_class ON pg_class.oid = ev_class
        WHERE refobjid = 'auth.users'::regclass AND relnamespace = 'public'::regnamespace
        """,
        """
        CREATE VIEW public.planted AS SELECT id, email FROM auth.users;
        GRANT SELECT ON public.planted TO authenticated
        """,
        ("auth_users_exposed",),
    ),
    Finding(
        "a materialized view or a foreign table in public, which no policy guards",
        """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('m', 'f')
        """,
        """
        CREATE MATERIALIZED VIEW public.planted AS SELECT id FROM public.modules;
        CREATE FOREIGN DATA WRAPPER planted;
        CREATE SERVER planted FOREIGN DATA WRAPPER planted;
        CREATE FOREIGN TABLE public.planted_elsewhere (id integer) SERVER planted;
        GRANT SELECT ON public.planted, public.planted_elsewhere TO authenticated
        """,
        ("materialized_view_in_api", "foreign_table_in_api"),
    ),
    Finding(
        "an extension in public",
        "SELECT extname FROM pg_extension WHERE extnamespace = 'public'::regnamespace",
        "CREATE EXTENSION citext SCHEMA public",
        ("extension_in_public",),
    ),
    Finding(
        "a column of a type that pg_upgrade refuses",
        """
        SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace) AND relkind IN ('r', 'p')
            AND atttypid IN ('regcollation'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype,
                'regnamespace'::regtype, 'regoper'::regtype, 'regoperator'::regtype, 'regproc'::regtype,
                'regprocedure'::regtype)
        """,
        "ALTER TABLE public.modules ADD COLUMN planted regproc",
        ("unsupported_reg_types",),
    ),
    Finding(
        "a foreign key to a column of schema auth that is no primary key",
        """
        SELECT conrelid::regclass || ': ' || conname
        FROM pg_constraint AS fk JOIN pg_class ON pg_class.oid = confrelid
        WHERE fk.contype = 'f' AND relnamespace = 'auth'::regnamespace
            AND conindid NOT IN (SELECT indexrelid FROM pg_index WHERE indisprimary)
        """,
        """
        ALTER TABLE auth.users ADD CONSTRAINT planted UNIQUE (phone);
        ALTER TABLE public.users ADD COLUMN planted text REFERENCES auth.users (phone)
        """,
        ("fkey_to_auth_unique",),
    ),
    Finding(
        "a table that autovacuum leaves out",
        """
        SELECT relname FROM pg_class
        WHERE relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
            AND reloptions::text ~ 'autovacuum_enabled=(false|off|no|0)'
        """,
        "ALTER TABLE public.video_tracking SET (autovacuum_enabled = false)",
        ("autovacuum_disabled",),
    ),
    Finding(
        "a secret in a table that the API shows without row-level security",
        """
        SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT relrowsecurity AND relkind IN ('r', 'p')
            AND attname ~ 'password|secret|token|api_?key'
        """,
        """
        CREATE TABLE public.planted (id integer PRIMARY KEY, password text);
        GRANT SELECT ON public.planted TO authenticated
        """,
        ("sensitive_columns_exposed",),
    ),
    Finding(
        "an invalid index",
        "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.pk_users'::regclass",
        ("invalid_index",),
    ),
)
