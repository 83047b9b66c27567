-- Transactions that have been open for longer than so many seconds, and their locks: table and mode.
SELECT
    a.pid, a.usename, a.application_name, host(a.client_addr), a.backend_type, a.state,
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8, a.query,
    a.backend_xmin IS NOT NULL,
    ARRAY(
        SELECT DISTINCT pg_catalog.format('%%I.%%I %%s', n.nspname, c.relname, l.mode)
        FROM pg_catalog.pg_locks AS l
        JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE l.pid = a.pid AND l.granted AND c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
        ORDER BY 1
    )
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = pg_catalog.current_database()
    AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.backend_type NOT IN ('autovacuum worker', 'parallel worker', 'walsender')
    AND a.xact_start < clock_timestamp() - pg_catalog.make_interval(secs => %(seconds)s)
UNION ALL
SELECT
    0, p.owner, p.gid, NULL, 'prepared transaction', NULL, extract(epoch FROM clock_timestamp() - p.prepared)::float8, NULL, true,
    ARRAY(
        SELECT DISTINCT pg_catalog.format('%%I.%%I %%s', n.nspname, c.relname, l.mode)
        FROM pg_catalog.pg_locks AS t
        JOIN pg_catalog.pg_locks AS l ON l.virtualtransaction = t.virtualtransaction AND l.pid IS NULL
        JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE t.locktype = 'transactionid' AND t.transactionid = p.transaction AND c.relkind IN ('r', 'p', 'm')
            AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
        ORDER BY 1
    )
FROM pg_catalog.pg_prepared_xacts AS p
WHERE p.database = pg_catalog.current_database()
ORDER BY 7 DESC
