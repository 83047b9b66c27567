-- Vacuums that do not give way to a migration, as others do, and tables that are due for one.
SELECT a.pid, substring(a.query FROM 'VACUUM (?:ANALYZE )?(.*) \(to prevent wraparound\)'), NULL::int8
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = pg_catalog.current_database()
    AND a.backend_type = 'autovacuum worker'
    AND a.query LIKE '%(to prevent wraparound)'
UNION ALL
SELECT NULL, pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.age(c.relfrozenxid)::int8
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND pg_catalog.age(c.relfrozenxid) > pg_catalog.current_setting('autovacuum_freeze_max_age')::int8
ORDER BY 2
