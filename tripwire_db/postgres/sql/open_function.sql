-- Functions that the API's callers may call, that run with their owner's rights, and that name one of the tables.
SELECT
    n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') over '
        || tn.nspname || '.' || t.relname AS object,
    tn.nspname || '.' || t.relname AS on_table,
    string_agg(caller.rolname, ', ' ORDER BY caller.rolname) AS open_to
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_roles owner ON owner.oid = p.proowner
JOIN pg_class t ON t.relkind IN ('r', 'p')
JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_roles caller ON caller.rolname = ANY (%(callers)s) AND has_function_privilege(caller.oid, p.oid, 'EXECUTE')
WHERE p.prosecdef
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND (tn.nspname = ANY (%(schemas)s) OR t.oid = to_regclass('auth.users'))
    -- What a platform brings along in schemas of its own, its own roles own.
    AND NOT (owner.rolname LIKE 'supabase\_%%' AND n.nspname <> ALL (%(schemas)s))
    AND (owner.rolsuper OR tn.nspname = 'auth' OR has_any_column_privilege(owner.oid, t.oid, 'SELECT'))
    AND (
        p.prosrc ~* ('\m' || t.relname || '\M')
        OR EXISTS (
            SELECT
            FROM pg_depend d
            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
        )
    )
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
GROUP BY n.nspname, p.proname, p.oid, tn.nspname, t.relname
UNION ALL
-- What it puts together while it runs cannot be read: it may be any table.
SELECT
    n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') over any table',
    n.nspname::text,
    string_agg(caller.rolname, ', ' ORDER BY caller.rolname)
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
JOIN pg_roles caller ON caller.rolname = ANY (%(callers)s) AND has_function_privilege(caller.oid, p.oid, 'EXECUTE')
WHERE p.prosecdef
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND n.nspname = ANY (%(schemas)s)
    AND (l.lanname NOT IN ('sql', 'plpgsql') OR (l.lanname = 'plpgsql' AND p.prosrc ~* '\mexecute\M'))
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
GROUP BY n.nspname, p.proname, p.oid
