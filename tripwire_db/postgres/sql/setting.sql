-- Settings of this database and of the API's roles; those of whoever reads this are not among them.
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
        OR pg_get_userbyid(s.setrole)::text = ANY (%(roles)s)
    )
