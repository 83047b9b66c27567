-- What the API's roles are members of, and who else is a member of what gets in: of one of these roles, of the role that
-- migrates, of one that writes everything or reaches the server's files, or of a member of those. Members that may do
-- everything already are left out, and so is the role that migrates.
WITH RECURSIVE ways AS (
    SELECT r.oid
    FROM pg_roles r
    WHERE r.rolname = ANY (%(roles)s)
        OR r.rolname IN ('pg_write_all_data', 'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
        OR r.oid = (SELECT nspowner FROM pg_namespace WHERE nspname = %(home)s)
    UNION
    SELECT m.member
    FROM ways
    JOIN pg_auth_members m ON m.roleid = ways.oid
    JOIN pg_roles member ON member.oid = m.member AND NOT member.rolsuper
    -- A platform's owner is a member of all of them; who becomes its member is told by its own name.
    WHERE m.member <> (SELECT datdba FROM pg_database WHERE datname = current_database())
)
SELECT
    member.rolname || ' in ' || CASE
        WHEN role.oid = (SELECT nspowner FROM pg_namespace WHERE nspname = %(home)s) THEN '<owner>' ELSE role.rolname
    END AS object,
    NULL::text AS on_table,
    bool_or(m.admin_option) AS may_pass_it_on,
    -- Of PostgREST's login it decides whether it has at once what it may only become; before 16 that is the role's own.
    bool_or(coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, member.rolinherit))
        FILTER (WHERE member.rolname = 'authenticator') AS inherits
FROM pg_auth_members m
JOIN pg_roles member ON member.oid = m.member
JOIN pg_roles role ON role.oid = m.roleid
WHERE member.rolname = ANY (%(roles)s)
    OR (
        m.roleid IN (SELECT oid FROM ways)
        AND NOT member.rolsuper
        AND member.oid <> (SELECT nspowner FROM pg_namespace WHERE nspname = %(home)s)
        AND member.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database())
    )
GROUP BY member.rolname, role.oid, role.rolname
