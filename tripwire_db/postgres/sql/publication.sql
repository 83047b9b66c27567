-- Tables whose changes leave the database, to subscribers and to Supabase's realtime.
SELECT
    p.pubname || ' of ' || t.schemaname || '.' || t.tablename AS object,
    t.schemaname || '.' || t.tablename AS on_table,
    concat_ws(
        ', ',
        CASE WHEN p.pubinsert THEN 'INSERT' END, CASE WHEN p.pubupdate THEN 'UPDATE' END,
        CASE WHEN p.pubdelete THEN 'DELETE' END, CASE WHEN p.pubtruncate THEN 'TRUNCATE' END
    ) AS tells,
    t.rowfilter AS rows
FROM pg_publication p
JOIN pg_publication_tables t ON t.pubname = p.pubname
WHERE t.schemaname = ANY (%(schemas)s)
