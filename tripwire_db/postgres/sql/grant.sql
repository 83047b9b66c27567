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
