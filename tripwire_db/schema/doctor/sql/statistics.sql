-- Lessons completed, and the seconds that the videos have counted. Time from before the videos were counted stays.
SELECT
    'user_statistics' AS table_name,
    d.user_id,
    jsonb_build_object('user_id', d.user_id) AS key,
    jsonb_build_object('lessons_completed', d.lessons_completed, 'total_time_spent', d.total_time_spent) AS found,
    CASE
        WHEN NOT d.needs_a_person
            THEN jsonb_build_object('lessons_completed', d.right_lessons, 'total_time_spent', d.right_time)
    END AS wanted,
    CASE
        WHEN d.needs_a_person THEN 'holds a certificate, and student_progress shows less: see modules_completed'
        ELSE d.right_lessons || ' completed in student_progress, ' || d.seconds || ' s in video_tracking'
    END AS reason
FROM (
    SELECT
        s.user_id,
        s.lessons_completed,
        s.total_time_spent,
        r.lessons_completed AS right_lessons,
        r.seconds,
        r.holds_certificate AND r.lessons_completed < least(coalesce(s.lessons_completed, 0), 3) AS needs_a_person,
        CASE
            WHEN r.strict AND s.created_at >= (SELECT min(l.created_at) FROM lessons l) THEN r.seconds
            ELSE greatest(coalesce(s.total_time_spent, 0), r.seconds)
        END AS right_time
    FROM recount r JOIN user_statistics s ON s.user_id = r.user_id
) AS d
WHERE d.lessons_completed IS DISTINCT FROM d.right_lessons OR d.total_time_spent IS DISTINCT FROM d.right_time
