-- People whom the auth service keeps out, and who are not blocked here: the two say different things.
SELECT
    'auth.users' AS table_name,
    a.id AS user_id,
    jsonb_build_object('id', a.id) AS key,
    jsonb_build_object('banned_until', a.banned_until) AS found,
    NULL::jsonb AS wanted,
    CASE
        WHEN t.user_id IS NOT NULL THEN
            'cannot log in, and is ' || coalesce(t.status, 'active') || ' here: lift the ban, or call set_student_status'
        ELSE 'cannot log in, and is ' || u.role || ' here: lift the ban, or take the role away'
    END AS reason
FROM auth_users a
LEFT JOIN users u ON u.id = a.id
LEFT JOIN tripwire_users t ON t.user_id = a.id
WHERE a.banned_until > now()
    AND NOT a.is_deleted
    AND (t.user_id IS NOT NULL OR u.id IS NOT NULL)
    AND (t.user_id IS NULL OR coalesce(t.status, 'active') NOT IN ('blocked', 'inactive'))
