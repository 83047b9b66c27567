-- Tables, views and foreign tables, with the switches of row-level security.
SELECT
    n.nspname || '.' || c.relname AS object,
    NULL::text AS on_table,
    CASE c.relkind
        WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
        WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
    END AS kind,
    c.relpersistence::text AS persistence,
    c.relrowsecurity AS row_level_security,
    c.relforcerowsecurity AS forced_row_level_security,
    c.relreplident::text AS replica_identity,
    (SELECT string_agg(option, ', ' ORDER BY option) FROM unnest(c.reloptions) AS option) AS options,
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
    c.relowner AS owner,
    obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
