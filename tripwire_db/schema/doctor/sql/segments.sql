-- Segments that are no array. A JSON string is read as its content, which Python does: PostgreSQL 15 cannot ask.
SELECT
    'video_tracking' AS table_name,
    v.user_id,
    jsonb_build_object('user_id', v.user_id, 'lesson_id', v.lesson_id) AS key,
    jsonb_build_object('watched_segments', v.watched_segments) AS found,
    CASE WHEN jsonb_typeof(v.watched_segments) = 'null' THEN '{"watched_segments": []}'::jsonb END AS wanted,
    'no array: look what was meant, then write it as [{"start": seconds, "end": seconds}]' AS reason
FROM video_tracking v
WHERE jsonb_typeof(v.watched_segments) <> 'array'
