-- Lessons whose videos were mostly tracked with another duration than theirs: players of an older backend wrote their own.
-- Of everybody, whoever is asked about; a person must know which duration is right.
SELECT
    'lessons' AS table_name,
    NULL::uuid AS user_id,
    jsonb_build_object('id', t.id) AS key,
    jsonb_build_object('duration_seconds', t.duration_seconds) AS found,
    NULL::jsonb AS wanted,
    format(
        '%s of its %s videos were tracked with another duration, most with %s s; under a duration that is too long nobody '
        'can complete the lesson: set lessons.duration_seconds',
        t.differing, t.tracked, t.usual
    ) AS reason
FROM (
    SELECT
        l.id, l.duration_seconds, count(*) AS tracked,
        mode() WITHIN GROUP (ORDER BY v.video_duration_seconds) AS usual,
        count(*) FILTER (
            WHERE abs(v.video_duration_seconds - l.duration_seconds) > greatest(2, l.duration_seconds * 0.01)
        ) AS differing
    FROM lessons l JOIN all_video_tracking v ON v.lesson_id = l.id
    -- What our own flows have written is what the lesson's duration was then; its owner may have changed it since.
    WHERE v.video_duration_seconds > 0 AND v.total_watched_seconds > 0 AND v.last_seen_at IS NULL AND NOT l.archived
    GROUP BY l.id, l.duration_seconds
) AS t
WHERE t.differing * 2 > t.tracked
