-- Settings of this database and of the roles that the API and its backends use.
SELECT
    concat_ws(' ',
        CASE s.setrole WHEN 0 THEN 'every role' ELSE pg_get_userbyid(s.setrole)::text END,
        CASE s.setdatabase WHEN 0 THEN 'everywhere' ELSE 'in this database' END,
        split_part(setting, '=', 1)
    ) AS object,
    NULL::text AS on_table,
    substr(setting, strpos(setting, '=') + 1) AS value
FROM pg_db_role_setting s
CROSS JOIN LATERAL unnest(s.setconfig) AS setting
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND (
        s.setrole = 0
        OR pg_get_userbyid(s.setrole)::text IN ('anon', 'authenticated', 'service_role', 'authenticator', current_user::text)
    )
