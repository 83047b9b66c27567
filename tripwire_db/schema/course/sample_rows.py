"""Rows for every table: a healthy v2 database, and what only the newer layout can hold."""

import psycopg

MANAGERS = ("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b")
STUDENTS = tuple(f"00000000-0000-4000-8000-0000000000{number:02}" for number in range(1, 6))

V2 = f"""
INSERT INTO auth.users (id, email) VALUES
    ('{MANAGERS[0]}', 'anna@sale.kz'), ('{MANAGERS[1]}', 'boris@sale.kz');
INSERT INTO auth.users (id, email)
SELECT id::uuid, 'student' || n || '@mail.kz'
FROM unnest('{{{",".join(STUDENTS)}}}'::text[]) WITH ORDINALITY AS s(id, n);

INSERT INTO public.users (id, email, full_name, role, created_at, updated_at)
SELECT
    id, email, initcap(split_part(email, '@', 1)), CASE WHEN email LIKE '%sale.kz' THEN 'sales_manager' ELSE 'student' END,
    timestamptz '2026-01-01', timestamptz '2026-01-02'
FROM auth.users;

INSERT INTO public.tripwire_users (user_id, email, full_name, granted_by, manager_name, modules_completed, created_at, updated_at)
SELECT id, email, full_name, '{MANAGERS[0]}', 'Anna', 1, timestamptz '2026-01-01', timestamptz '2026-01-02'
FROM public.users WHERE role = 'student';

INSERT INTO public.tripwire_user_profile (user_id, modules_completed, completion_percentage, created_at, updated_at)
SELECT user_id, 1, 33.33, timestamptz '2026-01-01', timestamptz '2026-01-02' FROM public.tripwire_users;

INSERT INTO public.module_unlocks (user_id, module_id, unlocked_at)
SELECT user_id, m, timestamptz '2026-01-01' FROM public.tripwire_users, unnest('{{16,17}}'::int[]) AS m;

INSERT INTO public.student_progress (user_id, module_id, lesson_id, status, started_at, completed_at, created_at, updated_at)
SELECT user_id, 16, 67, 'completed', timestamptz '2026-01-01', timestamptz '2026-01-02', timestamptz '2026-01-01', timestamptz '2026-01-02'
FROM public.tripwire_users
UNION ALL
SELECT user_id, 17, 68, 'in_progress', timestamptz '2026-01-02', NULL, timestamptz '2026-01-01', timestamptz '2026-01-02' FROM public.tripwire_users;

INSERT INTO public.video_tracking (
    user_id, lesson_id, watched_segments, total_watched_seconds, video_duration_seconds, last_position_seconds,
    watch_percentage, is_qualified_for_completion, created_at, updated_at
)
SELECT user_id, 67, jsonb '[{{"start": 0, "end": 1500}}]', 1500, 1800, 1500, 83, true, timestamptz '2026-01-01', timestamptz '2026-01-02'
FROM public.tripwire_users
UNION ALL
SELECT user_id, 68, '[]', 0, 1800, 0, 0, false, timestamptz '2026-01-01', timestamptz '2026-01-02' FROM public.tripwire_users;

INSERT INTO public.user_achievements (
    user_id, achievement_id, current_value, required_value, is_completed, completed_at, created_at, updated_at
)
SELECT user_id, a, (a = 'first_module_complete')::int, CASE a WHEN 'tripwire_graduate' THEN 3 ELSE 1 END,
    a = 'first_module_complete', CASE a WHEN 'first_module_complete' THEN timestamptz '2026-01-02' END,
    timestamptz '2026-01-01', timestamptz '2026-01-02'
FROM public.tripwire_users,
    unnest('{{first_module_complete,second_module_complete,third_module_complete,tripwire_graduate}}'::text[]) AS a;

INSERT INTO public.user_statistics (user_id, lessons_completed, total_time_spent, created_at, updated_at)
SELECT user_id, 1, 1500, timestamptz '2026-01-01', timestamptz '2026-01-02' FROM public.tripwire_users;

INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, details, created_at)
SELECT granted_by, 'user_created', user_id, jsonb_build_object('email', email, 'full_name', full_name), timestamptz '2026-01-01'
FROM public.tripwire_users;
"""

TABLES_OF_V2 = (
    "users",
    "tripwire_users",
    "tripwire_user_profile",
    "module_unlocks",
    "student_progress",
    "video_tracking",
    "user_achievements",
    "user_statistics",
    "sales_activity_log",
)
TABLES_OF_THE_COURSE = ("modules", "lessons", "certificates")


def fill_v2(connection: psycopg.Connection) -> None:
    """Put rows that need no mending into every table of v2."""
    connection.execute(V2)


def fill_head(connection: psycopg.Connection) -> None:
    """Give one student a certificate, on top of `fill_v2`."""
    connection.execute(
        "INSERT INTO public.certificates (user_id, url, full_name) VALUES (%s, 'https://c.kz/1', 'Student1')",
        [STUDENTS[0]],
    )
