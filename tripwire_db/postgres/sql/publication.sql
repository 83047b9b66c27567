-- Tables whose changes leave the database, to subscribers and to Supabase's realtime.
SELECT
    p.pubname || ' of ' || t.schemaname || '.' || t.tablename AS object,
    CASE t.schemaname WHEN 'auth' THEN 'auth.users' ELSE t.schemaname || '.' || t.tablename END AS on_table,
    CASE WHEN p.puballtables THEN 'all tables' WHEN listed.oid IS NULL THEN 'all tables of its schema' ELSE 'by name' END
        AS listed,
    concat_ws(
        ', ',
        CASE WHEN p.pubinsert THEN 'INSERT' END, CASE WHEN p.pubupdate THEN 'UPDATE' END,
        CASE WHEN p.pubdelete THEN 'DELETE' END, CASE WHEN p.pubtruncate THEN 'TRUNCATE' END
    ) AS tells,
    t.rowfilter AS rows,
    listed.prattrs::text AS columns
FROM pg_publication p
JOIN pg_publication_tables t ON t.pubname = p.pubname
LEFT JOIN pg_publication_rel listed ON listed.prpubid = p.oid
    AND listed.prrelid = to_regclass(quote_ident(t.schemaname) || '.' || quote_ident(t.tablename))
WHERE t.schemaname = ANY (%(schemas)s) OR t.schemaname = 'auth'
