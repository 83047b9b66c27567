-- What the API's roles are members of: whoever becomes one of them may become those, too.
SELECT
    member.rolname || ' in ' || role.rolname AS object,
    NULL::text AS on_table,
    bool_or(m.admin_option) AS may_pass_it_on
FROM pg_auth_members m
JOIN pg_roles member ON member.oid = m.member
JOIN pg_roles role ON role.oid = m.roleid
WHERE member.rolname = ANY (%(roles)s)
GROUP BY member.rolname, role.rolname
