-- Indexes that a failed CREATE INDEX CONCURRENTLY left behind, and none that is being built right now.
SELECT
    tn.nspname || '.' || t.relname AS table_name,
    NULL::uuid AS user_id,
    jsonb_build_object('index', n.nspname || '.' || c.relname) AS key,
    jsonb_build_object('valid', false) AS found,
    jsonb_build_object('valid', true) AS wanted,
    'the planner does not use it, and every write still pays for it' AS reason
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
WHERE NOT (i.indisvalid AND i.indisready)
    AND tn.nspname IN ('public', 'tripwire')
    AND t.relname = ANY (ARRAY(SELECT name FROM tables_of_ours))
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_stat_progress_create_index b
        WHERE b.index_relid = i.indexrelid AND b.datname = current_database()
    )
