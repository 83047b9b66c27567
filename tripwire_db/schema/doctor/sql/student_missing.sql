-- People with a student's rows who are no students: price and seller are known to nobody but a person.
SELECT
    'tripwire_users' AS table_name,
    o.user_id,
    jsonb_build_object('user_id', o.user_id) AS key,
    jsonb_build_object('rows_in', jsonb_agg(DISTINCT o.table_name)) AS found,
    NULL::jsonb AS wanted,
    'no row in tripwire_users: sell the course to this person again (create_tripwire_user), or delete these rows' AS reason
FROM (
    SELECT id AS user_id, 'users' AS table_name FROM users WHERE coalesce(role, 'student') = 'student'
    UNION ALL SELECT user_id, 'tripwire_user_profile' FROM tripwire_user_profile
    UNION ALL SELECT user_id, 'module_unlocks' FROM module_unlocks
    UNION ALL SELECT user_id, 'student_progress' FROM student_progress
    UNION ALL SELECT user_id, 'video_tracking' FROM video_tracking
    UNION ALL SELECT user_id, 'user_achievements' FROM user_achievements
    UNION ALL SELECT user_id, 'user_statistics' FROM user_statistics
    UNION ALL SELECT user_id, 'certificates' FROM certificates
) AS o
JOIN auth_users a ON a.id = o.user_id
WHERE NOT EXISTS (SELECT FROM tripwire_users t WHERE t.user_id = o.user_id)
    -- What the mark tells to be half made is told there.
    AND (a.kind IS DISTINCT FROM 'student' OR coalesce((SELECT u.role FROM users u WHERE u.id = a.id), 'student') <> 'student')
GROUP BY o.user_id
