-- Students without statistics; what they say is counted.
SELECT
    'user_statistics' AS table_name,
    r.user_id,
    jsonb_build_object('user_id', r.user_id) AS key,
    NULL::jsonb AS found,
    jsonb_build_object('user_id', r.user_id, 'lessons_completed', r.lessons_completed, 'total_time_spent', r.seconds) AS wanted,
    'a student has statistics' AS reason
FROM recount r
WHERE NOT EXISTS (SELECT FROM user_statistics s WHERE s.user_id = r.user_id)
    AND EXISTS (SELECT FROM auth_users a WHERE a.id = r.user_id)
