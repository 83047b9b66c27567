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
    -- Of a video that was cut since, the next heartbeat tells what is left of the set.
    AND w.counted >= greatest(w.duration_seconds, w.video_duration_seconds) * 1000 * policy.threshold
