-- Indexes that no constraint stands behind.
SELECT
    n.nspname || '.' || c.relname AS object,
    tn.nspname || '.' || t.relname AS on_table,
    pg_get_indexdef(c.oid) AS definition,
    i.indisvalid AND i.indisready AND i.indislive AS valid,
    i.indisreplident AS replica_identity,
    obj_description(c.oid, 'pg_class') AS comment
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE tn.nspname = ANY (%(schemas)s)
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
