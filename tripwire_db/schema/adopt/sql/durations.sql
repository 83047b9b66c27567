-- Lessons that will last as long as the course says, while most of their videos were tracked with another duration.
SELECT format(
    'lesson %%s lasts %%s s after the upgrade, and %%s of its %%s videos were tracked with another duration, most with %%s s: '
    'under a duration that is too long nobody can complete it, so set lessons.duration_seconds then',
    t.lesson_id, %(duration)s::integer, t.differing, t.tracked, t.usual
)
FROM (
    SELECT
        v.lesson_id, count(*) AS tracked, mode() WITHIN GROUP (ORDER BY v.video_duration_seconds) AS usual,
        count(*) FILTER (
            WHERE abs(v.video_duration_seconds - %(duration)s) > greatest(2, %(duration)s * 0.01)
        ) AS differing
    FROM video_tracking AS v
    WHERE v.video_duration_seconds > 0
    GROUP BY v.lesson_id
) AS t
WHERE t.differing * 2 > t.tracked
ORDER BY t.lesson_id
