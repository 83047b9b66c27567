-- Functions, operators and casts that statements may find in place of PostgreSQL's own: a better match wins, whatever
-- comes first in the search path.
SELECT
    n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS object,
    n.nspname::text AS on_table,
    CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function' ELSE 'function' END AS kind
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY (%(schemas)s)
    AND EXISTS (
        SELECT FROM pg_proc built_in
        WHERE built_in.pronamespace = 'pg_catalog'::regnamespace AND built_in.proname = p.proname
    )
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
UNION ALL
SELECT
    n.nspname || '.' || o.oprname || '(' || concat_ws(', ', nullif(o.oprleft, 0)::regtype, o.oprright::regtype) || ')',
    n.nspname::text,
    'operator'
FROM pg_operator o
JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE n.nspname = ANY (%(schemas)s)
    AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.objid = o.oid AND d.classid = 'pg_operator'::regclass AND d.deptype = 'e'
    )
UNION ALL
-- A cast belongs to no schema; of those that nobody asks for, one between types of PostgreSQL's own changes others' statements.
SELECT
    c.castsource::regtype || ' to ' || c.casttarget::regtype,
    'public',
    'cast'
FROM pg_cast c
JOIN pg_type source ON source.oid = c.castsource
JOIN pg_type target ON target.oid = c.casttarget
WHERE c.castcontext IN ('i', 'a') AND c.oid >= 16384
    AND 'pg_catalog'::regnamespace IN (source.typnamespace, target.typnamespace)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_cast'::regclass AND d.deptype = 'e')
