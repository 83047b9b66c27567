-- Constraints but NOT NULL, which is the column's; from PostgreSQL 18 on those have names too, older ones have none.
SELECT
    n.nspname || '.' || c.relname || '.' || k.conname AS object,
    n.nspname || '.' || c.relname AS on_table,
    pg_get_constraintdef(k.oid) AS definition,
    k.convalidated AS validated,
    coalesce(
        (SELECT bool_and(t.tgenabled IN ('O', 'A')) FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgisinternal),
        true
    ) AS enforced,
    coalesce(i.indisvalid, true) AS valid_index,
    (SELECT array_to_string(x.reloptions, ', ') FROM pg_class x WHERE x.oid = i.indexrelid) AS index_options,
    obj_description(k.oid, 'pg_constraint') AS comment
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
WHERE n.nspname = ANY (%(schemas)s) AND k.contype <> 'n'
