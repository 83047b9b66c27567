-- A student's counter of modules. Who reaches the last by this has graduated, as complete_lesson would have said.
SELECT
    'tripwire_users' AS table_name,
    r.user_id,
    jsonb_build_object('id', t.id) AS key,
    jsonb_build_object('modules_completed', t.modules_completed, 'status', t.status) AS found,
    CASE
        WHEN r.modules_completed >= coalesce(t.modules_completed, 0) OR NOT r.holds_certificate THEN jsonb_build_object(
            'modules_completed', r.modules_completed,
            'status', CASE WHEN r.modules_completed = 3 AND t.status = 'active' THEN 'completed' ELSE t.status END
        )
    END AS wanted,
    CASE
        WHEN r.modules_completed >= coalesce(t.modules_completed, 0) OR NOT r.holds_certificate
            THEN r.lessons_completed || ' completed in student_progress'
        ELSE 'holds a certificate, and student_progress shows only ' || r.lessons_completed
            || ' completed: find out what was lost, or revoke the certificate'
    END AS reason
FROM recount r JOIN tripwire_users t ON t.user_id = r.user_id
WHERE t.modules_completed IS DISTINCT FROM r.modules_completed
