-- Who may do what: one row for each grantee of each object. MAINTAIN came with PostgreSQL 17 and is left out.
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
WHERE g.privilege_type <> 'MAINTAIN'
GROUP BY g.object, g.grantee
