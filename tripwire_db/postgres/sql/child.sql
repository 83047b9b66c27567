-- Tables that inherit from one of these: their rows are read with its own, and obey neither its policies nor its keys.
SELECT
    cn.nspname || '.' || child.relname || ' under ' || pn.nspname || '.' || parent.relname AS object,
    pn.nspname || '.' || parent.relname AS on_table,
    child.relpersistence::text AS persistence
FROM pg_inherits i
JOIN pg_class child ON child.oid = i.inhrelid AND NOT child.relispartition AND child.relkind IN ('r', 'f')
JOIN pg_namespace cn ON cn.oid = child.relnamespace
JOIN pg_class parent ON parent.oid = i.inhparent
JOIN pg_namespace pn ON pn.oid = parent.relnamespace
WHERE pn.nspname = ANY (%(schemas)s)
