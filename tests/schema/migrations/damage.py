"""A v2 database of 10,000 students, damaged in every way that the chain mends; and single rows that it refuses.

Which student has which damage follows from the student's number n, so the expected result can be computed from what was
there before, which `remember` copies to schema `before`.
"""

import psycopg

STUDENTS = 10_000
MANAGERS = 20

# People: managers 1-20 (the last two without a users row), then the students.
PEOPLE = f"""
CREATE TEMPORARY TABLE person AS
SELECT
    n,
    n > {STUDENTS} AS seller,
    md5('person ' || n)::uuid AS id,
    CASE WHEN n > {STUDENTS} THEN 'Seller' ELSE 'Student' END || n || '@Mail.kz' AS email
FROM generate_series(1, {STUDENTS + MANAGERS}) AS n;

INSERT INTO auth.users (id, email, raw_user_meta_data)
SELECT id, lower(email), jsonb_build_object('full_name', 'Person ' || n) FROM person;

ALTER TABLE public.users DROP CONSTRAINT users_role_check;
INSERT INTO public.users (id, email, full_name, role, onboarding_completed, created_at, updated_at)
SELECT
    id,
    CASE n % 7 WHEN 0 THEN email ELSE lower(email) END,
    'Person ' || n,
    CASE WHEN seller THEN CASE n % 2 WHEN 0 THEN 'sales' ELSE 'sales_manager' END WHEN n % 11 = 0 THEN NULL ELSE 'student' END,
    CASE n % 13 WHEN 0 THEN NULL ELSE false END,
    CASE n % 17 WHEN 0 THEN NULL ELSE timestamptz '2026-01-01' END,
    CASE n % 19 WHEN 0 THEN NULL ELSE timestamptz '2026-02-01' + n * interval '1 second' END
FROM person
WHERE n <= {STUDENTS + MANAGERS - 2};
ALTER TABLE public.users ADD CONSTRAINT users_role_check
    CHECK (role IN ('student', 'sales_manager', 'admin', 'curator', 'tech_support')) NOT VALID;

INSERT INTO public.tripwire_users (
    user_id, email, full_name, granted_by, manager_name, status, modules_completed, price, welcome_email_sent,
    created_at, updated_at
)
SELECT
    p.id,
    CASE n % 7 WHEN 0 THEN p.email ELSE lower(p.email) END,
    'Person ' || n,
    CASE WHEN n % 23 > 0 THEN md5('person ' || ({STUDENTS} + 1 + n % {MANAGERS}))::uuid END,
    'Somebody',
    CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN 'completed' WHEN 2 THEN 'inactive' ELSE 'active' END,
    CASE n % 29 WHEN 0 THEN NULL ELSE n % 4 END,
    CASE n % 31 WHEN 0 THEN NULL ELSE 5000 + n END,
    CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN true ELSE false END,
    CASE n % 37 WHEN 0 THEN NULL ELSE timestamptz '2026-01-01' + n * interval '1 minute' END,
    CASE n % 41 WHEN 0 THEN NULL ELSE timestamptz '2026-02-01' + n * interval '1 second' END
FROM person AS p WHERE NOT seller;

INSERT INTO public.tripwire_user_profile (
    user_id, total_modules, modules_completed, completion_percentage, certificate_issued, certificate_url, created_at, updated_at
)
SELECT
    id,
    CASE n % 5 WHEN 0 THEN NULL ELSE 3 END,
    CASE n % 29 WHEN 0 THEN NULL ELSE n % 4 END,
    CASE n % 7 WHEN 0 THEN NULL ELSE n % 101 END,
    CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN n % 4 = 3 ELSE n % 2 = 0 END,
    CASE n % 4 WHEN 3 THEN 'https://cert.kz/' || n WHEN 2 THEN '' END,
    CASE n % 37 WHEN 0 THEN NULL ELSE timestamptz '2026-01-01' END,
    CASE n % 41 WHEN 0 THEN NULL ELSE timestamptz '2026-02-01' + n * interval '1 second' END
FROM person WHERE NOT seller;

INSERT INTO public.module_unlocks (user_id, module_id, unlocked_at)
SELECT id, 16 + k, CASE (n + k) % 9 WHEN 0 THEN NULL ELSE timestamptz '2026-01-03' END
FROM person, generate_series(0, 2) AS k WHERE NOT seller AND k <= n % 3;

INSERT INTO public.student_progress (
    user_id, module_id, lesson_id, status, started_at, completed_at, created_at, updated_at
)
SELECT
    id, 16 + k, 67 + k,
    CASE (n + k) % 4 WHEN 0 THEN 'completed' WHEN 1 THEN NULL WHEN 2 THEN 'in_progress' ELSE 'not_started' END,
    timestamptz '2026-01-04',
    CASE WHEN (n + k) % 8 = 0 THEN timestamptz '2026-01-05' END,
    CASE n % 43 WHEN 0 THEN NULL ELSE timestamptz '2026-01-01' END,
    CASE n % 47 WHEN 0 THEN NULL ELSE timestamptz '2026-02-01' + n * interval '1 second' END
FROM person, generate_series(0, 2) AS k WHERE NOT seller AND k <= n % 3;

INSERT INTO public.video_tracking (
    user_id, lesson_id, watched_segments, total_watched_seconds, video_duration_seconds, last_position_seconds,
    watch_percentage, is_qualified_for_completion, created_at, updated_at
)
SELECT
    id, 67 + k,
    CASE n % 6
        WHEN 0 THEN NULL
        WHEN 1 THEN to_jsonb('[{{"start": 0, "end": ' || n || '.5}}]')
        WHEN 2 THEN jsonb 'null'
        WHEN 3 THEN to_jsonb(' [] '::text)
        ELSE jsonb_build_array(jsonb_build_object('start', 0, 'end', n))
    END,
    CASE n % 5 WHEN 0 THEN NULL ELSE n END,
    CASE n % 7 WHEN 0 THEN NULL ELSE 1800 END,
    CASE n % 11 WHEN 0 THEN NULL ELSE 9 END,
    CASE n % 13 WHEN 0 THEN NULL ELSE n % 101 END,
    CASE n % 3 WHEN 0 THEN NULL ELSE n % 2 = 0 END,
    CASE n % 43 WHEN 0 THEN NULL ELSE timestamptz '2026-01-01' END,
    CASE n % 47 WHEN 0 THEN NULL ELSE timestamptz '2026-02-01' + n * interval '1 second' END
FROM person, generate_series(0, 2) AS k WHERE NOT seller AND k <= n % 3;

INSERT INTO public.user_achievements (
    user_id, achievement_id, current_value, required_value, is_completed, completed_at, created_at, updated_at
)
SELECT
    id, a,
    CASE n % 5 WHEN 0 THEN NULL ELSE n % 4 END,
    CASE WHEN n % 7 = 0 THEN NULL WHEN a = 'tripwire_graduate' THEN 3 ELSE 1 END,
    CASE n % 3 WHEN 0 THEN NULL ELSE n % 2 = 0 END,
    CASE n % 11 WHEN 0 THEN timestamptz '2026-01-06' END,
    CASE n % 43 WHEN 0 THEN NULL ELSE timestamptz '2026-01-01' END,
    CASE n % 47 WHEN 0 THEN NULL ELSE timestamptz '2026-02-01' + n * interval '1 second' END
FROM person,
    unnest('{{first_module_complete,second_module_complete,third_module_complete,tripwire_graduate}}'::text[]) AS a
WHERE NOT seller;

INSERT INTO public.user_statistics (user_id, lessons_completed, total_time_spent, created_at, updated_at)
SELECT
    id,
    CASE n % 5 WHEN 0 THEN NULL ELSE n % 4 END,
    CASE n % 7 WHEN 0 THEN NULL ELSE n END,
    CASE n % 43 WHEN 0 THEN NULL ELSE timestamptz '2026-01-01' END,
    CASE n % 47 WHEN 0 THEN NULL ELSE timestamptz '2026-02-01' + n * interval '1 second' END
FROM person WHERE NOT seller;

INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, details, created_at)
SELECT
    md5('person ' || ({STUDENTS} + 1 + n % {MANAGERS}))::uuid,
    CASE n % 2 WHEN 0 THEN 'user_created' ELSE 'email_sent' END,
    CASE WHEN n % 9 > 0 THEN id END,
    CASE n % 4
        WHEN 0 THEN NULL
        WHEN 1 THEN '{{"email": "as@it.was"}}'::jsonb
        WHEN 2 THEN '{{"note": "kept"}}'::jsonb
        ELSE '["a list"]'::jsonb
    END,
    CASE n % 43 WHEN 0 THEN NULL ELSE timestamptz '2026-01-01' END
FROM person WHERE NOT seller;

DROP TABLE person;
"""

TABLES = {
    "users": "id",
    "tripwire_users": "id",
    "tripwire_user_profile": "id",
    "module_unlocks": "id",
    "student_progress": "id",
    "video_tracking": "id",
    "user_achievements": "id",
    "user_statistics": "user_id",
    "sales_activity_log": "id",
}

# What each row must have become, told from what it was; NULL times become the time of the upgrade.
NOW = "(SELECT moment FROM before.upgrade)"
TIMES = f"""
    a.created_at = coalesce(b.created_at, a.created_at) AND (b.created_at IS NOT NULL OR a.created_at >= {NOW})
    AND a.updated_at = coalesce(b.updated_at, a.updated_at) AND (b.updated_at IS NOT NULL OR a.updated_at >= {NOW})
"""
EXPECTED = {
    "users": f"""
        a.email = lower(b.email) AND a.full_name = b.full_name
        AND a.role = CASE b.role WHEN 'sales' THEN 'sales_manager' ELSE coalesce(b.role, 'student') END
        AND a.onboarding_completed = coalesce(b.onboarding_completed, false) AND {TIMES}""",
    "tripwire_users": f"""
        a.user_id = b.user_id AND a.email = lower(b.email) AND a.full_name = b.full_name
        AND a.granted_by IS NOT DISTINCT FROM b.granted_by AND a.manager_name = b.manager_name
        AND a.status = coalesce(b.status, 'active') AND a.modules_completed = coalesce(b.modules_completed, 0)
        AND a.price = coalesce(b.price, 5000) AND a.welcome_email_sent = coalesce(b.welcome_email_sent, false)
        AND a.welcome_email_sent_at IS NULL AND {TIMES}""",
    "tripwire_user_profile": f"""
        a.user_id = b.user_id AND a.total_modules = coalesce(b.total_modules, 3)
        AND a.modules_completed = coalesce(b.modules_completed, 0)
        AND a.completion_percentage = coalesce(b.completion_percentage, 0)
        AND a.certificate_issued = (coalesce(b.certificate_issued, false) AND coalesce(b.certificate_url, '') <> '')
        AND a.certificate_url IS NOT DISTINCT FROM b.certificate_url AND {TIMES}""",
    "module_unlocks": f"""
        a.user_id = b.user_id AND a.module_id = b.module_id
        AND (a.unlocked_at = b.unlocked_at OR (b.unlocked_at IS NULL AND a.unlocked_at >= {NOW}))""",
    "student_progress": f"""
        a.user_id = b.user_id AND a.module_id = b.module_id AND a.lesson_id = b.lesson_id
        AND a.status = coalesce(b.status, 'not_started') AND a.started_at = b.started_at
        AND a.completed_at IS NOT DISTINCT FROM
            CASE b.status WHEN 'completed' THEN coalesce(b.completed_at, a.updated_at) END
        AND {TIMES}""",
    "video_tracking": f"""
        a.user_id = b.user_id AND a.lesson_id = b.lesson_id
        AND a.watched_segments = CASE jsonb_typeof(b.watched_segments)
            WHEN 'array' THEN b.watched_segments WHEN 'string' THEN (b.watched_segments #>> '{{}}')::jsonb ELSE '[]' END
        AND a.total_watched_seconds = coalesce(b.total_watched_seconds, 0)
        AND a.video_duration_seconds = coalesce(b.video_duration_seconds, 0)
        AND a.last_position_seconds = coalesce(b.last_position_seconds, 0)
        AND a.watch_percentage = coalesce(b.watch_percentage, 0)
        AND a.is_qualified_for_completion = coalesce(b.is_qualified_for_completion, false)
        AND a.counted_ms = least(coalesce(b.total_watched_seconds, 0), 1800) * 1000 AND a.allowance_ms = 0
        AND a.last_seen_at IS NULL AND {TIMES}""",
    "user_achievements": f"""
        a.user_id = b.user_id AND a.achievement_id = b.achievement_id
        AND a.required_value = coalesce(b.required_value, 1)
        AND a.is_completed = (coalesce(b.is_completed, false) OR coalesce(b.current_value, 0) >= coalesce(b.required_value, 1))
        AND a.current_value = CASE WHEN b.is_completed
            THEN greatest(coalesce(b.current_value, 0), coalesce(b.required_value, 1)) ELSE coalesce(b.current_value, 0) END
        AND a.completed_at IS NOT DISTINCT FROM
            CASE WHEN a.is_completed THEN coalesce(b.completed_at, a.updated_at) ELSE b.completed_at END
        AND {TIMES}""",
    "user_statistics": f"""
        a.lessons_completed = coalesce(b.lessons_completed, 0)
        AND a.total_time_spent = coalesce(b.total_time_spent, 0) AND {TIMES}""",
    "sales_activity_log": f"""
        a.manager_id = b.manager_id AND a.action_type = b.action_type
        AND a.target_user_id IS NOT DISTINCT FROM b.target_user_id
        AND a.details = CASE
            WHEN b.target_user_id IS NULL OR jsonb_typeof(b.details) = 'array' THEN coalesce(b.details, '{{}}')
            ELSE (
                SELECT jsonb_build_object('email', t.email, 'full_name', t.full_name)
                FROM public.tripwire_users t WHERE t.user_id = b.target_user_id
            ) || coalesce(b.details, '{{}}')
        END
        AND (a.created_at = b.created_at OR (b.created_at IS NULL AND a.created_at >= {NOW}))""",
}


def damage(connection: psycopg.Connection) -> None:
    """Fill a database at the first revision, and remember every row in schema `before`."""
    connection.execute(PEOPLE)
    connection.execute("CREATE SCHEMA before; CREATE TABLE before.upgrade AS SELECT clock_timestamp() AS moment")
    for table in TABLES:
        connection.execute(f"CREATE TABLE before.{table} AS TABLE public.{table}")
        connection.execute(f"ANALYZE before.{table}; ANALYZE public.{table}")
