-- Policies of row-level security.
SELECT
    n.nspname || '.' || c.relname || '.' || p.polname AS object,
    n.nspname || '.' || c.relname AS on_table,
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL'
    END AS command,
    CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END AS kind,
    (
        SELECT string_agg(CASE role WHEN 0 THEN 'public' ELSE pg_get_userbyid(role)::text END, ', ' ORDER BY role)
        FROM unnest(p.polroles) AS role
    ) AS roles,
    pg_get_expr(p.polqual, p.polrelid) AS using,
    pg_get_expr(p.polwithcheck, p.polrelid) AS with_check,
    -- Whether it lets rows through without a look at them, as `true` does.
    coalesce(p.polqual, p.polwithcheck)::text NOT LIKE '%%{VAR %%'
        OR p.polwithcheck::text NOT LIKE '%%{VAR %%' AS whatever_the_row,
    obj_description(p.oid, 'pg_policy') AS comment
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s)
    OR (
        -- Rows of auth.users for the API's callers: by design there are none.
        p.polrelid = to_regclass('auth.users')
        AND p.polroles && (SELECT array_agg(oid) || 0::oid FROM pg_roles WHERE rolname = ANY (%(callers)s))
    )
