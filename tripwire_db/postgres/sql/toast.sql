-- Storage options of the tables that hold what is too long for its own.
SELECT
    n.nspname || '.' || c.relname AS object,
    n.nspname || '.' || c.relname AS on_table,
    (SELECT string_agg(option, ', ' ORDER BY option) FROM unnest(toast.reloptions) AS option) AS options
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class toast ON toast.oid = c.reltoastrelid
WHERE n.nspname = ANY (%(schemas)s) AND toast.reloptions IS NOT NULL
