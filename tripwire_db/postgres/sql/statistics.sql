-- Extended statistics, and how much of the table they look at.
SELECT
    sn.nspname || '.' || s.stxname AS object,
    n.nspname || '.' || c.relname AS on_table,
    pg_get_statisticsobjdef(s.oid) AS definition,
    nullif(s.stxstattarget, -1) AS statistics_target
FROM pg_statistic_ext s
JOIN pg_namespace sn ON sn.oid = s.stxnamespace
JOIN pg_class c ON c.oid = s.stxrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s)
