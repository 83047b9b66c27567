-- Achievements that say something else than the completed lessons.
SELECT
    'user_achievements' AS table_name,
    a.user_id,
    jsonb_build_object('user_id', a.user_id, 'achievement_id', a.achievement_id) AS key,
    jsonb_build_object(
        'current_value', a.current_value, 'required_value', a.required_value,
        'is_completed', a.is_completed, 'completed_at', a.completed_at
    ) AS found,
    CASE
        WHEN NOT (r.holds_certificate AND e.current_value < coalesce(a.current_value, 0)) THEN jsonb_build_object(
            'current_value', e.current_value,
            'required_value', e.required_value,
            'is_completed', e.current_value >= e.required_value,
            'completed_at',
                CASE WHEN e.current_value >= e.required_value THEN coalesce(a.completed_at, e.completed_at) END
        )
    END AS wanted,
    CASE
        WHEN r.holds_certificate AND e.current_value < coalesce(a.current_value, 0)
            THEN 'holds a certificate, and student_progress shows less: see modules_completed'
        ELSE r.lessons_completed || ' completed in student_progress'
    END AS reason
FROM right_achievements e
JOIN recount r ON r.user_id = e.user_id
JOIN user_achievements a ON a.user_id = e.user_id AND a.achievement_id = e.achievement_id
WHERE e.certain
    AND (
        a.is_completed IS DISTINCT FROM (e.current_value >= e.required_value)
        -- Older code did not count on the way to the last.
        OR (
            a.created_at >= (SELECT min(l.created_at) FROM lessons l)
            AND (a.current_value, a.required_value) IS DISTINCT FROM (e.current_value, e.required_value)
        )
    )
