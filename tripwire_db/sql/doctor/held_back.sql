-- Qualified but held: enough has been counted, and the flag that completing a lesson reads says no.
SELECT
    'video_tracking' AS table_name,
    w.user_id,
    jsonb_build_object('user_id', w.user_id, 'lesson_id', w.lesson_id) AS key,
    jsonb_build_object('is_qualified_for_completion', w.is_qualified_for_completion) AS found,
    jsonb_build_object('is_qualified_for_completion', true) AS wanted,
    w.counted_seconds || ' s counted of ' || w.duration_seconds || ' s' AS reason
FROM watched w CROSS JOIN policy
WHERE NOT coalesce(w.is_qualified_for_completion, false)
    AND w.counted >= w.duration_seconds * 1000 * policy.threshold
