"""What `health` asks of the catalog; where a query gives one column, each row is a sentence of what is wrong."""

VERSION_TABLES = """
SELECT n.nspname || '.' || c.relname, c.oid
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE (n.nspname = 'public' AND c.relname = 'alembic_version')
    OR (n.nspname = 'supabase_migrations' AND c.relname = 'schema_migrations')
ORDER BY 1
"""
SUPABASE_HISTORY = "SELECT coalesce(array_agg(version), '{}') FROM supabase_migrations.schema_migrations"

EVENT_TRIGGERS = """
SELECT evtname, evtevent, evtenabled IN ('O', 'A')
FROM pg_catalog.pg_event_trigger
WHERE evtname IN ('pgrst_watch', 'pgrst_watch_drop', 'pgrst_ddl_watch', 'pgrst_drop_watch')
"""

INVALID_INDEXES = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND n.nspname = ANY (%(schemas)s)
ORDER BY 1
"""

UNUSED_INDEXES = """
SELECT pg_catalog.format('%%I (%%s)', s.indexrelname, pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(s.indexrelid)))
FROM pg_catalog.pg_stat_user_indexes AS s
JOIN pg_catalog.pg_index AS i ON i.indexrelid = s.indexrelid
WHERE s.schemaname = ANY (%(schemas)s) AND s.idx_scan = 0 AND NOT i.indisunique AND i.indisvalid
    AND pg_catalog.pg_relation_size(s.indexrelid) >= %(unused_index_bytes)s
ORDER BY 1
"""

# A B-tree needs its columns and 20 bytes for each row, in pages that are nine tenths full, and a few pages at least.
BLOATED_INDEXES = """
WITH sizes AS (
    SELECT
        c.relname,
        pg_catalog.pg_relation_size(c.oid) AS bytes,
        65536 + greatest(c.reltuples, 0) / 0.9 * (20 + (
            SELECT sum(coalesce(s.avg_width, 16))
            FROM pg_catalog.pg_attribute AS a
            LEFT JOIN pg_catalog.pg_stats AS s
                ON s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname
            WHERE a.attrelid = t.oid AND a.attnum = ANY (i.indkey::int2[])
        )) AS needed
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
    JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND c.reltuples >= 0
)
SELECT pg_catalog.format('%%I (%%s, about %%s needed)', relname, pg_catalog.pg_size_pretty(bytes),
    pg_catalog.pg_size_pretty(needed::bigint))
FROM sizes
WHERE bytes >= %(bloated_index_bytes)s AND bytes > needed * %(bloat)s
ORDER BY 1
"""

DEAD_ROWS = """
SELECT pg_catalog.format('%%I (%%s dead, %%s live)', relname, n_dead_tup, n_live_tup)
FROM pg_catalog.pg_stat_user_tables
WHERE schemaname = ANY (%(schemas)s) AND n_dead_tup >= %(dead_rows)s
    AND n_dead_tup >= %(dead_part)s * (n_dead_tup + n_live_tup)
ORDER BY 1
"""

OLD_TRANSACTIONS = """
SELECT pg_catalog.format('pid %%s, open for %%s s', pid, floor(extract(epoch FROM clock_timestamp() - xact_start)))
FROM pg_catalog.pg_stat_activity
WHERE pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'
    AND xact_start < clock_timestamp() - pg_catalog.make_interval(secs => %(transaction_seconds)s)
UNION ALL
SELECT pg_catalog.format('prepared transaction %%L, for %%s s', gid, floor(extract(epoch FROM clock_timestamp() - prepared)))
FROM pg_catalog.pg_prepared_xacts
WHERE prepared < clock_timestamp() - pg_catalog.make_interval(secs => %(transaction_seconds)s)
"""

CONNECTIONS = """
SELECT count(*), pg_catalog.current_setting('max_connections')::int
FROM pg_catalog.pg_stat_activity
WHERE backend_type = 'client backend'
"""

SEQUENCES = """
SELECT pg_catalog.format('%%I.%%I: %%s of %%s', schemaname, sequencename, last_value, max_value)
FROM pg_catalog.pg_sequences
WHERE schemaname = ANY (%(schemas)s) AND last_value >= max_value * %(sequence)s::numeric
ORDER BY 1
"""

WRAPAROUND = """
SELECT greatest(pg_catalog.age(datfrozenxid), pg_catalog.mxid_age(datminmxid))
FROM pg_catalog.pg_database
WHERE datname = pg_catalog.current_database()
"""

REPLICAS = """
SELECT pg_catalog.format('%%s is %%s behind', coalesce(nullif(application_name, ''), host(client_addr), 'a replica'),
    pg_catalog.pg_size_pretty(behind))
FROM pg_catalog.pg_stat_replication,
    pg_catalog.pg_wal_lsn_diff(
        CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
            ELSE pg_catalog.pg_current_wal_lsn() END,
        coalesce(replay_lsn, flush_lsn, sent_lsn)
    ) AS behind
WHERE behind >= %(replica_bytes)s
ORDER BY 1
"""

REPLICATION_SLOTS = """
SELECT pg_catalog.format('%%I %%s', slot_name, CASE WHEN wal_status IN ('lost', 'unreserved') THEN 'has lost its WAL'
    ELSE 'is used by nobody and keeps WAL' END)
FROM pg_catalog.pg_replication_slots
WHERE wal_status IN ('lost', 'unreserved') OR (NOT active AND restart_lsn IS NOT NULL)
ORDER BY 1
"""

LOCKS = """
SELECT pg_catalog.format('pid %%s has waited %%s s for pid %%s', l.pid,
    floor(extract(epoch FROM clock_timestamp() - min(l.waitstart))),
    pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(l.pid), ', '))
FROM pg_catalog.pg_locks AS l
WHERE NOT l.granted AND l.waitstart < clock_timestamp() - pg_catalog.make_interval(secs => %(lock_seconds)s)
GROUP BY l.pid
ORDER BY l.pid
"""
