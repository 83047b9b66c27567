-- What a video row shows, beside what it has counted. Nothing here invents watched time.
SELECT
    'video_tracking' AS table_name,
    w.user_id,
    jsonb_build_object('user_id', w.user_id, 'lesson_id', w.lesson_id) AS key,
    jsonb_build_object('total_watched_seconds', w.total_watched_seconds, 'watch_percentage', w.watch_percentage) AS found,
    jsonb_build_object('total_watched_seconds', w.right_total, 'watch_percentage', w.right_percentage) AS wanted,
    w.counted_seconds || ' s counted of ' || w.duration_seconds || ' s' AS reason
FROM watched w
WHERE w.total_watched_seconds IS DISTINCT FROM w.right_total OR w.watch_percentage IS DISTINCT FROM w.right_percentage
