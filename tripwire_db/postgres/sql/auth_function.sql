-- What policies ask who calls. On a platform they are its own, and their text is its own affair.
SELECT
    n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS object,
    'auth.users' AS on_table,
    regexp_replace(pg_get_functiondef(p.oid), '\s+', ' ', 'g') AS definition,
    p.proowner = ANY (ARRAY[n.nspowner, to_regrole('supabase_auth_admin')::oid, to_regrole('supabase_admin')::oid])
        AND obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'Stand-in for Supabase Auth, made by tripwire-db bootstrap'
        AS of_platform
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'auth' AND p.proname IN ('uid', 'role', 'email', 'jwt') AND p.prokind = 'f'
