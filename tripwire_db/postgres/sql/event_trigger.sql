-- Event triggers, which belong to the database and to no schema.
SELECT
    e.evtname::text AS object,
    NULL::text AS on_table,
    e.evtevent::text AS event,
    n.nspname || '.' || p.proname AS function,
    CASE e.evtenabled
        WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica only' WHEN 'A' THEN 'always'
    END AS fires,
    (SELECT string_agg(tag, ', ' ORDER BY tag) FROM unnest(e.evttags) AS tag) AS tags,
    e.evtowner AS owner,
    obj_description(e.oid, 'pg_event_trigger') AS comment
FROM pg_event_trigger e
JOIN pg_proc p ON p.oid = e.evtfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.objid = e.oid AND d.classid = 'pg_event_trigger'::regclass AND d.deptype = 'e'
)
