-- Who may do what: one row for each grantee of each object. MAINTAIN, of PostgreSQL 17 and later, is left out where its
-- holder owns the object, which every owner may maintain, on older servers too.
WITH granted AS (
    SELECT n.nspname || '.' || c.relname AS object, n.nspname || '.' || c.relname AS on_table, acl.*
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(
        coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 'S' ELSE 'r' END::"char", c.relowner))
    ) AS acl
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT n.nspname || '.' || c.relname || '.' || a.attname, n.nspname || '.' || c.relname, acl.*
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(a.attacl) AS acl
    WHERE n.nspname = ANY (%(schemas)s) AND NOT a.attisdropped
    UNION ALL
    SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', acl.*
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT n.nspname, n.nspname, acl.*
    FROM pg_namespace n
    CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS acl
    WHERE n.nspname = ANY (%(schemas)s) AND n.nspname <> 'public'
    UNION ALL
    -- Schema public is everybody's on PostgreSQL, and USAGE of PUBLIC there is nobody's doing.
    SELECT n.nspname, n.nspname, acl.*
    FROM pg_namespace n
    CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS acl
    WHERE n.nspname = ANY (%(schemas)s) AND n.nspname = 'public' AND (
        (acl.grantee = 0 AND acl.privilege_type = 'CREATE')
        OR acl.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY (%(roles)s))
    )
    UNION ALL
    SELECT 'database', 'database', acl.*
    FROM pg_database d
    CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS acl
    WHERE d.datname = current_database() AND acl.privilege_type = 'CREATE'
        AND (acl.grantee = 0 OR acl.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY (%(roles)s)))
    UNION ALL
    -- Settings that only a superuser may change by itself.
    SELECT 'parameter ' || p.parname, 'database', acl.*
    FROM pg_parameter_acl p
    CROSS JOIN LATERAL aclexplode(p.paracl) AS acl
    WHERE acl.grantee = 0 OR acl.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY (%(roles)s))
    UNION ALL
    -- What PostgreSQL keeps to itself: passwords, files, other sessions. As it comes, pg_init_privs tells.
    SELECT found.object, 'database', acl.*
    FROM (
        SELECT 'pg_catalog.' || c.relname AS object, c.relacl AS acl, c.oid, 'pg_class'::regclass AS class
        FROM pg_class c
        WHERE c.relnamespace = 'pg_catalog'::regnamespace
        UNION ALL
        SELECT 'pg_catalog.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.proacl, p.oid, 'pg_proc'::regclass
        FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL
    ) AS found
    LEFT JOIN pg_init_privs i ON i.objoid = found.oid AND i.classoid = found.class AND i.objsubid = 0
    CROSS JOIN LATERAL aclexplode(found.acl) AS acl
    WHERE (acl.grantee = 0 OR acl.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY (%(roles)s)))
        AND i.initprivs IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM aclexplode(i.initprivs) AS init
            WHERE init.grantee = acl.grantee AND init.privilege_type = acl.privilege_type
        )
    UNION ALL
    -- Whoever makes something in schema auth makes what policies ask.
    SELECT n.nspname, 'auth.users', acl.*
    FROM pg_namespace n
    CROSS JOIN LATERAL aclexplode(n.nspacl) AS acl
    WHERE n.nspname = 'auth' AND acl.privilege_type = 'CREATE'
        AND (acl.grantee = 0 OR acl.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY (%(roles)s)))
    UNION ALL
    -- Of schema auth, which belongs to others: what the API's callers may do with its tables, which is nothing.
    SELECT n.nspname || '.' || c.relname, 'auth.users', acl.*
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT (aclexplode(c.relacl)).*
        UNION
        SELECT (aclexplode(a.attacl)).* FROM pg_attribute a WHERE a.attrelid = c.oid
    ) AS acl
    WHERE n.nspname = 'auth' AND c.relkind IN ('r', 'p', 'v', 'm')
        AND (acl.grantee = 0 OR acl.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY (%(callers)s)))
)
SELECT
    g.object || ' to ' || CASE g.grantee
        WHEN 0 THEN 'public'
        WHEN (SELECT nspowner FROM pg_namespace WHERE nspname = %(home)s) THEN '<owner>'
        ELSE pg_get_userbyid(g.grantee)::text
    END AS object,
    min(g.on_table) AS on_table,
    string_agg(
        g.privilege_type || CASE WHEN g.is_grantable THEN ' with grant option' ELSE '' END, ', ' ORDER BY g.privilege_type
    ) AS privileges
FROM granted g
WHERE g.privilege_type <> 'MAINTAIN' OR g.grantee IS DISTINCT FROM (SELECT nspowner FROM pg_namespace WHERE nspname = %(home)s)
GROUP BY g.object, g.grantee
