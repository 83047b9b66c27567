-- Rows that a unique constraint forbids, where it was dropped: which of them is right, a person must say.
SELECT
    d.table_name,
    d.user_id,
    d.key,
    jsonb_build_object('rows', d.rows) AS found,
    NULL::jsonb AS wanted,
    'more than one row where there may be one: keep the right one, then restore the constraint (tripwire-db drift)' AS reason
FROM (
    SELECT 'tripwire_users' AS table_name, user_id, jsonb_build_object('user_id', user_id) AS key, count(*) AS rows
    FROM tripwire_users WHERE user_id IS NOT NULL GROUP BY user_id
    UNION ALL
    SELECT 'tripwire_user_profile', user_id, jsonb_build_object('user_id', user_id), count(*)
    FROM tripwire_user_profile GROUP BY user_id
    UNION ALL
    SELECT 'module_unlocks', user_id, jsonb_build_object('user_id', user_id, 'module_id', module_id), count(*)
    FROM module_unlocks GROUP BY user_id, module_id
    UNION ALL
    SELECT 'student_progress', user_id, jsonb_build_object('user_id', user_id, 'lesson_id', lesson_id), count(*)
    FROM student_progress GROUP BY user_id, lesson_id
    UNION ALL
    SELECT 'video_tracking', user_id, jsonb_build_object('user_id', user_id, 'lesson_id', lesson_id), count(*)
    FROM video_tracking GROUP BY user_id, lesson_id
    UNION ALL
    SELECT 'user_achievements', user_id, jsonb_build_object('user_id', user_id, 'achievement_id', achievement_id), count(*)
    FROM user_achievements GROUP BY user_id, achievement_id
    UNION ALL
    SELECT 'user_statistics', user_id, jsonb_build_object('user_id', user_id), count(*)
    FROM user_statistics GROUP BY user_id
) AS d
WHERE d.rows > 1
