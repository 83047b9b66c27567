-- Students without an auth user. Where exactly one has the same e-mail and is no other student's, it is theirs.
SELECT
    'tripwire_users' AS table_name,
    NULL::uuid AS user_id,
    jsonb_build_object('id', t.id) AS key,
    jsonb_build_object('user_id', NULL) AS found,
    CASE WHEN t.user_id IS NOT NULL THEN jsonb_build_object('user_id', t.user_id) END AS wanted,
    CASE
        WHEN t.user_id IS NOT NULL THEN 'the auth user with the same e-mail'
        ELSE 'user_id is NULL, and no auth user of this e-mail is free: make one, then set user_id; or delete the row'
    END AS reason
FROM tripwire_users t
WHERE t.recorded_user_id IS NULL
UNION ALL
SELECT
    o.table_name,
    o.user_id,
    jsonb_build_object('user_id', o.user_id),
    jsonb_build_object('rows', count(*)),
    NULL,
    'the auth user is gone, and these rows should have gone with it: look whether they are still wanted, then delete them'
FROM (
    SELECT id AS user_id, 'users' AS table_name FROM users
    UNION ALL SELECT user_id, 'tripwire_users' FROM tripwire_users
    UNION ALL SELECT user_id, 'tripwire_user_profile' FROM tripwire_user_profile
    UNION ALL SELECT user_id, 'module_unlocks' FROM module_unlocks
    UNION ALL SELECT user_id, 'student_progress' FROM student_progress
    UNION ALL SELECT user_id, 'video_tracking' FROM video_tracking
    UNION ALL SELECT user_id, 'user_achievements' FROM user_achievements
    UNION ALL SELECT user_id, 'user_statistics' FROM user_statistics
    UNION ALL SELECT user_id, 'certificates' FROM certificates
) AS o
WHERE o.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM auth_users a WHERE a.id = o.user_id)
GROUP BY o.user_id, o.table_name
