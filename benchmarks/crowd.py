"""A crowd of students with all of their rows, in the columns that the chain's first layout and its last have in common."""

from typing import Any
from uuid import UUID

import psycopg

MANAGERS = 50
MANAGER = "00000000-0000-0000-0000-000000000007"

SELLERS = f"""
    INSERT INTO auth.users (id, email)
    SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, n || '@sellers.test'
    FROM generate_series(1, {MANAGERS}) AS n;
    INSERT INTO public.users (id, email, full_name, role)
    SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, n || '@sellers.test', 'Seller ' || n, 'sales_manager'
    FROM generate_series(1, {MANAGERS}) AS n
"""
# A student's id tells the number, mixed so that neighbours in time are no neighbours in an index.
STUDENTS = """
    INSERT INTO auth.users (id, email) SELECT md5(n::text)::uuid, n || '@students.test' FROM generate_series({first}, {last}) AS n;
    INSERT INTO public.users (id, email, full_name)
    SELECT md5(n::text)::uuid, n || '@students.test', 'Student ' || n FROM generate_series({first}, {last}) AS n;
    INSERT INTO public.tripwire_users
        (user_id, email, full_name, granted_by, manager_name, status, modules_completed, created_at)
    SELECT md5(n::text)::uuid, n || '@students.test', 'Student ' || n,
        ('00000000-0000-0000-0000-' || lpad((1 + n % {managers})::text, 12, '0'))::uuid, 'Seller',
        CASE n / {managers} % 4 WHEN 3 THEN 'completed' ELSE 'active' END, n / {managers} % 4,
        now() - n * interval '2 years' / {last}
    FROM generate_series({first}, {last}) AS n;
    INSERT INTO public.tripwire_user_profile (user_id, modules_completed)
    SELECT md5(n::text)::uuid, n / {managers} % 4 FROM generate_series({first}, {last}) AS n;
    INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, created_at)
    SELECT ('00000000-0000-0000-0000-' || lpad((1 + n % {managers})::text, 12, '0'))::uuid, 'user_created',
        md5(n::text)::uuid, now() - n * interval '2 years' / {last}
    FROM generate_series({first}, {last}) AS n
"""
# In the order of their indexes, which fills them page by page.
COURSES = """
    INSERT INTO public.module_unlocks (user_id, module_id)
    SELECT md5(n::text)::uuid, 16 FROM generate_series({first}, {last}) AS n ORDER BY 1;
    INSERT INTO public.student_progress (user_id, module_id, lesson_id, status)
    SELECT md5(n::text)::uuid, 16, 67, 'in_progress' FROM generate_series({first}, {last}) AS n ORDER BY 1;
    INSERT INTO public.video_tracking (user_id, lesson_id, video_duration_seconds, watched_segments, total_watched_seconds)
    SELECT md5(n::text)::uuid, 67, 1800, '[{{"start": 0, "end": 60}}, {{"start": 90, "end": 180}}]'::jsonb, 150
    FROM generate_series({first}, {last}) AS n ORDER BY 1;
    INSERT INTO public.user_statistics (user_id)
    SELECT md5(n::text)::uuid FROM generate_series({first}, {last}) AS n ORDER BY 1;
    INSERT INTO public.user_achievements (user_id, achievement_id, required_value)
    SELECT md5(n::text)::uuid, name, needed FROM generate_series({first}, {last}) AS n, unnest(
        ARRAY['first_module_complete', 'second_module_complete', 'third_module_complete', 'tripwire_graduate'],
        ARRAY[1, 1, 1, 3]) AS achievement (name, needed) ORDER BY 1, 2
"""


def student(number: int, connection: psycopg.Connection[Any]) -> UUID:
    """The id of one of the crowd."""
    row = connection.execute("SELECT md5(%s::text)::uuid", [number]).fetchone()
    if row is None:
        raise AssertionError("no row")
    found: UUID = row[0]
    return found


def fill(connection: psycopg.Connection[Any], first: int, last: int, *, courses: bool) -> None:
    """Students from one number to another, sold over two years by fifty managers; with what the course keeps of each.

    Triggers and foreign keys are switched off: the rows fit. The connection is one of a superuser, in autocommit.
    """
    text = STUDENTS + (";" + COURSES if courses else "")
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    if first == 1:
        connection.execute(SELLERS.encode())
    for statement in text.format(first=first, last=last, managers=MANAGERS).split(";"):
        connection.execute(statement.encode())
    connection.execute("RESET session_replication_role")
    connection.execute("VACUUM ANALYZE")
