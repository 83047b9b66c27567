"""As many students of layout v2 as it takes to measure; a tenth of the rows need mending, as they do in production."""

from typing import Any

import psycopg

_PEOPLE = """
CREATE TEMPORARY TABLE people ON COMMIT DROP AS
SELECT
    n,
    n <= %(managers)s AS sells,
    n %% 10 = 0 AS is_odd,
    gen_random_uuid() AS id,
    CASE WHEN n %% 10 = 0 THEN 'Person' ELSE 'person' END || n || '@example.kz' AS email,
    'Person number ' || n AS full_name
FROM generate_series(1, %(managers)s + %(students)s) AS n
"""

_ROWS = """
INSERT INTO auth.users (id, email) SELECT id, email FROM people;

INSERT INTO public.users (id, email, full_name, role)
SELECT id, email, full_name, CASE WHEN sells THEN 'sales_manager' WHEN NOT is_odd THEN 'student' END FROM people;

INSERT INTO public.tripwire_users (user_id, email, full_name, granted_by, manager_name, status, modules_completed, price)
SELECT
    p.id, p.email, p.full_name, m.id, m.full_name, CASE WHEN NOT p.is_odd THEN 'active' END, 1,
    CASE WHEN NOT p.is_odd THEN 5000 END
FROM people AS p
JOIN people AS m ON m.n = 1 + p.n % (SELECT count(*) FROM people WHERE sells)
WHERE NOT p.sells;

INSERT INTO public.tripwire_user_profile (user_id, modules_completed, completion_percentage, certificate_issued, certificate_url)
SELECT id, 1, 33.33, is_odd, CASE WHEN is_odd THEN 'https://c.example.kz/' || n END FROM people WHERE NOT sells;

INSERT INTO public.module_unlocks (user_id, module_id) SELECT id, m FROM people, unnest('{16,17}'::int[]) AS m WHERE NOT sells;

INSERT INTO public.student_progress (user_id, module_id, lesson_id, status, started_at, completed_at)
SELECT id, 16, 67, 'completed', now(), CASE WHEN NOT is_odd THEN now() END FROM people WHERE NOT sells
UNION ALL
SELECT id, 17, 68, 'in_progress', now(), NULL FROM people WHERE NOT sells;

INSERT INTO public.video_tracking (
    user_id, lesson_id, watched_segments, total_watched_seconds, video_duration_seconds, last_position_seconds,
    watch_percentage, is_qualified_for_completion
)
SELECT
    id, 67, CASE WHEN is_odd THEN to_jsonb('[{"start": 0, "end": 1500}]'::text) ELSE '[{"start": 0, "end": 1500}]' END,
    1500, 1800, 1500, 83, true
FROM people
WHERE NOT sells
UNION ALL
SELECT id, 68, '[]', 0, 1800, 0, 0, false FROM people WHERE NOT sells;

INSERT INTO public.user_achievements (user_id, achievement_id, current_value, required_value, is_completed, completed_at)
SELECT
    id, a, (a = 'first_module_complete')::int, CASE a WHEN 'tripwire_graduate' THEN 3 ELSE 1 END,
    a = 'first_module_complete' AND NOT is_odd, CASE WHEN a = 'first_module_complete' AND NOT is_odd THEN now() END
FROM people,
    unnest('{first_module_complete,second_module_complete,third_module_complete,tripwire_graduate}'::text[]) AS a
WHERE NOT sells;

INSERT INTO public.user_statistics (user_id, lessons_completed, total_time_spent)
SELECT id, 1, CASE WHEN NOT is_odd THEN 1500 END FROM people WHERE NOT sells;

INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, details)
SELECT t.granted_by, 'user_created', t.user_id, CASE WHEN p.is_odd THEN '{}' ELSE jsonb_build_object('email', p.email, 'full_name', p.full_name) END
FROM public.tripwire_users AS t
JOIN people AS p ON p.id = t.user_id;
"""

_STUDENTS_OF_A_MANAGER = 200


def fill_v2(connection: psycopg.Connection[Any], students: int) -> None:
    """Put so many students, and those who sold to them, into a database of layout v2.

    Args:
        connection: in a transaction, which the caller commits.
        students: at least one.
    """
    connection.execute(_PEOPLE, {"students": students, "managers": 1 + students // _STUDENTS_OF_A_MANAGER})
    connection.execute(_ROWS)
