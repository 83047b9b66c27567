-- Rows as the server estimates them: by its counters, or by the last ANALYZE where those were lost.
SELECT
    pg_catalog.format('%I.%I', n.nspname, c.relname),
    greatest(c.reltuples::int8, s.n_live_tup, 0),
    pg_catalog.pg_table_size(c.oid),
    pg_catalog.pg_indexes_size(c.oid)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_user_tables AS s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p', 'm')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND n.nspname NOT LIKE 'pg\_temp\_%'
