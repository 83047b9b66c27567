-- Rewrite rules on tables: an old way to change what a statement does.
SELECT
    n.nspname || '.' || c.relname || '.' || r.rulename AS object,
    n.nspname || '.' || c.relname AS on_table,
    pg_get_ruledef(r.oid) AS definition,
    r.ev_enabled::text AS fires
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND r.rulename <> '_RETURN'
