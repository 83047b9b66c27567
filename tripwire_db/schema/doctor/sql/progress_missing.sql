-- An open module has a row of progress for its lesson. It begins as not started: nobody knows more.
SELECT
    'student_progress' AS table_name,
    o.user_id,
    jsonb_build_object('user_id', o.user_id, 'lesson_id', o.lesson_id) AS key,
    NULL::jsonb AS found,
    jsonb_build_object(
        'user_id', o.user_id, 'module_id', o.module_id, 'lesson_id', o.lesson_id, 'status', 'not_started'
    ) AS wanted,
    'the module is open' AS reason
FROM open_lessons o
WHERE NOT EXISTS (SELECT FROM student_progress p WHERE p.user_id = o.user_id AND p.module_id = o.module_id)
    AND NOT EXISTS (SELECT FROM student_progress p WHERE p.user_id = o.user_id AND p.lesson_id = o.lesson_id)
    AND EXISTS (SELECT FROM auth_users a WHERE a.id = o.user_id)
