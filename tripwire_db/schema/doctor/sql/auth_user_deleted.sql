-- People whose auth user was softly deleted: the row is kept, so ours are, and nobody can log in. It cannot be undone.
SELECT
    'auth.users' AS table_name,
    a.id AS user_id,
    jsonb_build_object('id', a.id) AS key,
    jsonb_build_object('deleted', true) AS found,
    NULL::jsonb AS wanted,
    CASE
        WHEN EXISTS (SELECT FROM tripwire_users t WHERE t.user_id = a.id) THEN
            'softly deleted in the auth service, which is for good: call delete_student, and sell the course again if they come back'
        ELSE 'softly deleted in the auth service, which is for good: delete the auth user, and create the person again if needed'
    END AS reason
FROM auth_users a
WHERE a.is_deleted
    AND (
        EXISTS (SELECT FROM users u WHERE u.id = a.id)
        OR EXISTS (SELECT FROM tripwire_users t WHERE t.user_id = a.id)
    )
