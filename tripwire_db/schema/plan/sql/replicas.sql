SELECT
    r.application_name,
    r.state,
    extract(epoch FROM r.replay_lag)::float8,
    CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
        pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn)::int8
    END
FROM pg_catalog.pg_stat_replication AS r
ORDER BY r.application_name, r.pid
