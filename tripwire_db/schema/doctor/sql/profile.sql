-- The profile's counter and percentage.
SELECT
    'tripwire_user_profile' AS table_name,
    d.user_id,
    jsonb_build_object('user_id', d.user_id) AS key,
    jsonb_build_object('modules_completed', d.modules_completed, 'completion_percentage', d.completion_percentage) AS found,
    CASE
        WHEN NOT d.needs_a_person
            THEN jsonb_build_object('modules_completed', d.right_count, 'completion_percentage', d.right_percentage)
    END AS wanted,
    CASE
        WHEN d.needs_a_person THEN 'holds a certificate, and student_progress shows less: see modules_completed'
        ELSE d.lessons_completed || ' completed in student_progress'
    END AS reason
FROM (
    SELECT
        p.user_id,
        p.modules_completed,
        p.completion_percentage,
        r.lessons_completed,
        least(r.modules_completed, n.total) AS right_count,
        least(100, round(least(r.modules_completed, n.total) * 100.0 / greatest(n.total, 1), 2)) AS right_percentage,
        r.holds_certificate AND r.modules_completed < coalesce(p.modules_completed, 0) AS needs_a_person
    FROM recount r
    JOIN tripwire_user_profile p ON p.user_id = r.user_id
    CROSS JOIN LATERAL (SELECT coalesce(p.total_modules, 3)) AS n(total)
) AS d
WHERE d.modules_completed IS DISTINCT FROM d.right_count OR d.completion_percentage IS DISTINCT FROM d.right_percentage
