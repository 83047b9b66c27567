-- What the rows themselves say of each student; every kind of finding compares with this.
-- The tables come before, as sources that cope with older layouts: see tripwire_db/doctor/sources.py.

-- The course as it is taught now, and each module's place in it.
taught AS NOT MATERIALIZED (
    SELECT m.id AS module_id, m.position, l.id AS lesson_id, l.duration_seconds
    FROM modules m JOIN lessons l ON l.module_id = m.id AND NOT l.archived
    WHERE NOT m.archived
),
completed AS NOT MATERIALIZED (
    SELECT p.user_id, p.module_id, p.lesson_id, p.completed_at
    FROM student_progress p
    WHERE p.status = 'completed'
),
-- Rows that our own flows wrote, of a lesson that never changed, must agree to the second. Older rows, and those of a
-- lesson whose duration was changed, keep what they had: there only what has fallen behind is wrong.
watched AS NOT MATERIALIZED (
    SELECT
        w.*,
        l.duration_seconds,
        coalesce(w.counted, 0) / 1000 AS counted_seconds,
        CASE
            WHEN w.strict THEN w.counted / 1000
            ELSE greatest(coalesce(w.total_watched_seconds, 0), w.counted / 1000)
        END AS right_total,
        CASE
            WHEN w.strict THEN least(100, w.counted / (10 * l.duration_seconds))
            ELSE greatest(
                coalesce(w.watch_percentage, 0),
                least(100, w.counted / (10 * coalesce(nullif(w.video_duration_seconds, 0), l.duration_seconds)))
            )
        END AS right_percentage
    FROM (
        SELECT
            v.*,
            coalesce(v.counted_ms, least(v.total_watched_seconds, t.duration_seconds)::bigint * 1000, 0) AS counted,
            coalesce(v.created_at >= t.created_at AND t.updated_at = t.created_at, false) AS strict
        FROM video_tracking v JOIN lessons t ON t.id = v.lesson_id
    ) AS w
    JOIN lessons l ON l.id = w.lesson_id
),
certificate AS NOT MATERIALIZED (
    -- The one that counts: the one that the profile shows, else the oldest.
    SELECT DISTINCT ON (c.user_id) c.*
    FROM certificates c LEFT JOIN tripwire_user_profile p ON p.user_id = c.user_id
    WHERE c.revoked_at IS NULL
    ORDER BY c.user_id, (p.certificate_url IS NOT DISTINCT FROM c.url) DESC, c.issued_at, c.id
),
recount AS NOT MATERIALIZED (
    SELECT
        t.user_id,
        coalesce(c.lessons, 0) AS lessons_completed,
        -- A lesson that was replaced leaves its module two, which count once.
        least(coalesce(c.modules, 0), 3) AS modules_completed,
        coalesce(w.seconds, 0) AS seconds,
        coalesce(w.strict, true) AS strict,
        h.id IS NOT NULL AS holds_certificate
    FROM tripwire_users t
    LEFT JOIN (
        SELECT user_id, count(*) AS lessons, count(DISTINCT module_id) AS modules FROM completed GROUP BY user_id
    ) AS c ON c.user_id = t.user_id
    LEFT JOIN (
        SELECT user_id, sum(right_total) AS seconds, bool_and(strict) AS strict FROM watched GROUP BY user_id
    ) AS w ON w.user_id = t.user_id
    LEFT JOIN certificate h ON h.user_id = t.user_id
    WHERE t.user_id IS NOT NULL
),
highest AS NOT MATERIALIZED (
    SELECT DISTINCT ON (c.user_id) c.user_id, m.position, m.id AS module_id
    FROM completed c JOIN modules m ON m.id = c.module_id
    ORDER BY c.user_id, m.position DESC, m.id DESC
),
missing_unlocks AS NOT MATERIALIZED (
    -- A module that was completed was open.
    SELECT c.user_id, c.module_id
    FROM completed c JOIN tripwire_users t ON t.user_id = c.user_id
    WHERE NOT EXISTS (SELECT FROM module_unlocks u WHERE u.user_id = c.user_id AND u.module_id = c.module_id)
    UNION
    -- Stuck: nothing is open after the highest completed module; for a beginner, nothing at all.
    SELECT r.user_id, following.module_id
    FROM recount r
    LEFT JOIN highest h ON h.user_id = r.user_id
    CROSS JOIN LATERAL (
        SELECT m.module_id
        FROM taught m
        WHERE h.user_id IS NULL OR (m.position, m.module_id) > (h.position, h.module_id)
        ORDER BY m.position, m.module_id
        LIMIT 1
    ) AS following
    WHERE r.modules_completed < 3
        AND NOT EXISTS (
            SELECT FROM module_unlocks u JOIN taught m ON m.module_id = u.module_id
            WHERE u.user_id = r.user_id
                AND (h.user_id IS NULL OR (m.position, m.module_id) > (h.position, h.module_id))
        )
),
open_lessons AS NOT MATERIALIZED (
    SELECT o.user_id, m.module_id, m.lesson_id, m.duration_seconds
    FROM (
        SELECT u.user_id, u.module_id FROM module_unlocks u JOIN tripwire_users t ON t.user_id = u.user_id
        UNION
        SELECT user_id, module_id FROM missing_unlocks
    ) AS o
    JOIN taught m ON m.module_id = o.module_id
),
-- Which module earns which achievement can only be told while the course is as it began.
ranked AS NOT MATERIALIZED (
    SELECT m.id AS module_id, row_number() OVER (ORDER BY m.position, m.id) AS rank
    FROM modules m
    WHERE (SELECT count(*) = 3 AND NOT bool_or(archived) FROM modules)
),
right_achievements AS NOT MATERIALIZED (
    SELECT
        r.user_id,
        a.achievement_id,
        CASE WHEN a.rank IS NULL THEN r.modules_completed ELSE coalesce(e.earned, false)::int END AS current_value,
        CASE WHEN a.rank IS NULL THEN 3 ELSE 1 END AS required_value,
        CASE
            WHEN a.rank IS NOT NULL THEN e.completed_at
            WHEN r.modules_completed = 3 THEN (SELECT max(c.completed_at) FROM completed c WHERE c.user_id = r.user_id)
        END AS completed_at,
        a.rank IS NULL OR EXISTS (SELECT FROM ranked) AS certain
    FROM recount r
    CROSS JOIN (VALUES
        ('first_module_complete', 1), ('second_module_complete', 2), ('third_module_complete', 3), ('tripwire_graduate', NULL)
    ) AS a(achievement_id, rank)
    LEFT JOIN LATERAL (
        SELECT c.completed_at, true AS earned
        FROM completed c JOIN ranked k ON k.module_id = c.module_id
        WHERE c.user_id = r.user_id AND k.rank = a.rank
        ORDER BY c.completed_at
        LIMIT 1
    ) AS e ON true
)
