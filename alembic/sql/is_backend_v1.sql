-- Who calls is asked of the role, never of the token: a claim gives an identity and no privilege.
-- Inside a definer function current_user is the owner, so the caller is the role that was SET, else the login.
CREATE FUNCTION tripwire.is_backend() RETURNS pg_catalog.bool
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
    SELECT caller.role_name <> ALL (ARRAY['anon', 'authenticated', 'authenticator'])
        AND (
            pg_has_role(caller.role_name::pg_catalog.name, 'service_role', 'USAGE')
            OR pg_has_role(caller.role_name::pg_catalog.name, current_user, 'USAGE')
        )
    FROM (
        SELECT coalesce(nullif(current_setting('role'), 'none'), session_user::pg_catalog.text) AS role_name
    ) AS caller;
$$;

COMMENT ON FUNCTION tripwire.is_backend() IS
    'Whether the session is a backend''s: service_role, the owner, or a login that inherits one of them.';
