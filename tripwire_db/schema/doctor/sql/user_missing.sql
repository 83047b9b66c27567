-- Students, and people who sold, without a users row.
SELECT
    'users' AS table_name,
    p.id AS user_id,
    jsonb_build_object('id', p.id) AS key,
    NULL::jsonb AS found,
    CASE
        WHEN p.email IS NOT NULL AND NOT EXISTS (SELECT FROM all_users o WHERE lower(o.email) = p.email)
            THEN jsonb_build_object('id', p.id, 'email', p.email, 'full_name', p.full_name, 'role', p.role)
    END AS wanted,
    CASE
        WHEN p.email IS NULL THEN 'nobody knows the e-mail: insert the users row by hand'
        WHEN EXISTS (SELECT FROM all_users o WHERE lower(o.email) = p.email)
            THEN 'another user has the e-mail: decide whose it is, then insert the users row'
        WHEN p.role = 'student' THEN 'a student has a users row'
        ELSE 'whoever sells has a users row'
    END AS reason
FROM (
    SELECT t.user_id AS id, lower(coalesce(t.email, a.email)) AS email, t.full_name, 'student' AS role
    FROM tripwire_users t JOIN auth_users a ON a.id = t.user_id
    UNION
    SELECT a.id, lower(a.email), a.full_name, 'sales_manager'
    FROM all_tripwire_users t JOIN auth_users a ON a.id = t.granted_by
    WHERE NOT EXISTS (SELECT FROM all_tripwire_users s WHERE s.user_id = a.id)
) AS p
WHERE NOT EXISTS (SELECT FROM all_users u WHERE u.id = p.id)
