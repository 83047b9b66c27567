-- What the roles of the API may do by nature.
SELECT
    r.rolname::text AS object,
    NULL::text AS on_table,
    r.rolsuper AS superuser,
    r.rolbypassrls AS bypasses_row_level_security,
    r.rolcanlogin AS may_log_in,
    r.rolcreaterole AS may_create_roles,
    r.rolcreatedb AS may_create_databases,
    r.rolreplication AS may_replicate,
    -- Of one that logs in it decides whether it has at once what it may only become; platforms differ in the others.
    CASE WHEN r.rolname = 'authenticator' THEN r.rolinherit END AS inherits
FROM pg_roles r
WHERE r.rolname = ANY (%(roles)s)
