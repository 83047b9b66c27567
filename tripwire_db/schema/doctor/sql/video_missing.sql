-- An open module has a row of video tracking for its lesson. It begins with nothing watched: nobody knows more.
SELECT
    'video_tracking' AS table_name,
    o.user_id,
    jsonb_build_object('user_id', o.user_id, 'lesson_id', o.lesson_id) AS key,
    NULL::jsonb AS found,
    jsonb_build_object(
        'user_id', o.user_id, 'lesson_id', o.lesson_id, 'video_duration_seconds', o.duration_seconds
    ) AS wanted,
    'the module is open' AS reason
FROM open_lessons o
WHERE NOT EXISTS (
        SELECT FROM video_tracking v JOIN lessons l ON l.id = v.lesson_id
        WHERE v.user_id = o.user_id AND l.module_id = o.module_id
    )
    AND EXISTS (SELECT FROM auth_users a WHERE a.id = o.user_id)
