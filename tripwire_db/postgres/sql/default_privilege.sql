-- What objects made later would grant by themselves.
SELECT
    concat_ws(' ',
        'of', CASE d.defaclrole
            WHEN (SELECT nspowner FROM pg_namespace WHERE nspname = %(home)s) THEN '<owner>'
            ELSE pg_get_userbyid(d.defaclrole)::text
        END,
        'on', CASE d.defaclobjtype
            WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
            WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text
        END,
        'in', coalesce(n.nspname, 'any schema'),
        'to', CASE acl.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(acl.grantee)::text END
    ) AS object,
    NULL::text AS on_table,
    string_agg(acl.privilege_type, ', ' ORDER BY acl.privilege_type) AS privileges
FROM pg_default_acl d
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS acl
WHERE (n.oid IS NULL OR n.nspname = ANY (%(schemas)s)) AND (acl.privilege_type <> 'MAINTAIN' OR acl.grantee <> d.defaclrole)
GROUP BY d.defaclrole, d.defaclobjtype, n.nspname, acl.grantee
