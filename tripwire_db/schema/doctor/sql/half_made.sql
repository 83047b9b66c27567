-- Auth users of ours whose rows were never written, or are gone already.
SELECT
    'auth.users' AS table_name,
    a.id AS user_id,
    jsonb_build_object('id', a.id) AS key,
    jsonb_build_object('kind', a.kind) AS found,
    NULL::jsonb AS wanted,
    CASE
        WHEN EXISTS (
            SELECT FROM sales_activity_log l WHERE l.target_user_id = a.id AND l.action_type = 'user_deleted'
        ) THEN 'half deleted: call delete_student again, or delete the auth user'
        WHEN a.kind = 'student' THEN
            'half made: call create_tripwire_user with this e-mail again, which goes on from there, or delete the auth user'
        ELSE 'half made: call create_manager with this e-mail again, which goes on from there, or delete the auth user'
    END AS reason
FROM auth_users a
LEFT JOIN all_users u ON u.id = a.id
-- Whoever has sold is seen as a seller without a users row.
WHERE (a.kind = 'manager' AND u.id IS NULL AND NOT EXISTS (SELECT FROM all_tripwire_users t WHERE t.granted_by = a.id))
    OR (
        a.kind = 'student'
        AND coalesce(u.role, 'student') = 'student'
        AND NOT EXISTS (SELECT FROM all_tripwire_users t WHERE t.user_id = a.id)
    )
