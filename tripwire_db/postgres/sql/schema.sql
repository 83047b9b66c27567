-- Schemas that hold objects of the chain.
SELECT
    n.nspname::text AS object,
    NULL::text AS on_table,
    CASE WHEN n.nspname = 'public' THEN NULL ELSE n.nspowner END AS owner,
    obj_description(n.oid, 'pg_namespace') AS comment
FROM pg_namespace n
WHERE n.nspname = ANY (%(schemas)s)
