-- Views that the API's callers may use and that work with their owner's rights: row-level security does not hold there.
WITH RECURSIVE reads AS (
    SELECT r.ev_class AS view, d.refobjid AS read
    FROM pg_rewrite r
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    WHERE d.refobjid <> r.ev_class
    UNION
    SELECT reads.view, d.refobjid
    FROM reads
    JOIN pg_rewrite r ON r.ev_class = reads.read
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    WHERE d.refobjid <> r.ev_class
)
SELECT
    n.nspname || '.' || v.relname || ' over ' || tn.nspname || '.' || t.relname AS object,
    tn.nspname || '.' || t.relname AS on_table,
    string_agg(caller.rolname, ', ' ORDER BY caller.rolname) AS open_to
FROM pg_class v
JOIN pg_namespace n ON n.oid = v.relnamespace
JOIN reads ON reads.view = v.oid
JOIN pg_class t ON t.oid = reads.read AND t.relkind IN ('r', 'p')
JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_roles caller ON caller.rolname = ANY (%(callers)s) AND (
    has_any_column_privilege(caller.oid, v.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(caller.oid, v.oid, 'DELETE')
)
WHERE v.relkind IN ('v', 'm')
    AND NOT (pg_get_userbyid(v.relowner)::text LIKE 'supabase\_%%' AND n.nspname <> ALL (%(schemas)s))
    AND (tn.nspname = ANY (%(schemas)s) OR t.oid = to_regclass('auth.users'))
    AND NOT (
        v.relkind = 'v'
        AND coalesce(
            (SELECT o.option_value::boolean FROM pg_options_to_table(v.reloptions) o WHERE o.option_name = 'security_invoker'),
            false
        )
    )
GROUP BY n.nspname, v.relname, tn.nspname, t.relname
