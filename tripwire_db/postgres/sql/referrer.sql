-- Foreign keys that point at these tables, from wherever: each decides what becomes of a deletion here.
SELECT
    n.nspname || '.' || c.relname || '.' || k.conname AS object,
    tn.nspname || '.' || t.relname AS on_table,
    CASE k.confdeltype
        WHEN 'a' THEN 'refuses it' WHEN 'r' THEN 'refuses it' WHEN 'c' THEN 'deletes there, too' ELSE 'sets it null or default'
    END AS on_deletion
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = k.confrelid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname <> 'auth'
    AND (tn.nspname = ANY (%(schemas)s) OR (t.oid = to_regclass('auth.users') AND k.confdeltype IN ('a', 'r')))
