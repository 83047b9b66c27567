-- Triggers on tables, and whether they fire.
SELECT
    n.nspname || '.' || c.relname || '.' || t.tgname AS object,
    n.nspname || '.' || c.relname AS on_table,
    pg_get_triggerdef(t.oid) AS definition,
    CASE t.tgenabled
        WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica only' WHEN 'A' THEN 'always'
    END AS fires,
    obj_description(t.oid, 'pg_trigger') AS comment
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND NOT t.tgisinternal
UNION ALL
-- One on auth.users that runs a function of ours: the course has none, by design.
SELECT
    'auth.users.' || t.tgname,
    'auth.users',
    pg_get_triggerdef(t.oid),
    t.tgenabled::text,
    NULL
FROM pg_trigger t
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE t.tgrelid = to_regclass('auth.users') AND NOT t.tgisinternal AND n.nspname = ANY (%(schemas)s)
