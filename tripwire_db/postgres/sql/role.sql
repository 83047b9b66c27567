-- What the roles of the API may do by nature.
SELECT
    r.rolname::text AS object,
    NULL::text AS on_table,
    r.rolsuper AS superuser,
    r.rolbypassrls AS bypasses_row_level_security,
    r.rolcanlogin AS may_log_in
FROM pg_roles r
WHERE r.rolname IN ('anon', 'authenticated', 'service_role', 'authenticator')
