-- Each student has the four achievements, earned or not.
SELECT
    'user_achievements' AS table_name,
    e.user_id,
    jsonb_build_object('user_id', e.user_id, 'achievement_id', e.achievement_id) AS key,
    NULL::jsonb AS found,
    jsonb_build_object(
        'user_id', e.user_id,
        'achievement_id', e.achievement_id,
        'current_value', e.current_value,
        'required_value', e.required_value,
        'is_completed', e.current_value >= e.required_value,
        'completed_at', e.completed_at
    ) AS wanted,
    'a student has the four achievements' AS reason
FROM right_achievements e
WHERE NOT EXISTS (
        SELECT FROM user_achievements a WHERE a.user_id = e.user_id AND a.achievement_id = e.achievement_id
    )
    AND EXISTS (SELECT FROM auth_users a WHERE a.id = e.user_id)
