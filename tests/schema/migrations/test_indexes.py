"""Every foreign key has an index, no index is covered by another, and each is taken by the query it is there for."""

import json
from datetime import date, timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tripwire_db.flows.students import list_students
from tripwire_db.tables import metadata

STUDENTS = 100_000
MANAGERS = 50
STUDENT = "md5('person 777')::uuid"
MANAGER = f"md5('person {STUDENTS + 7}')::uuid"
NEWEST = "ORDER BY created_at DESC, id DESC LIMIT"

SEARCH = """
    SELECT user_id FROM (
        SELECT user_id FROM public.video_tracking
        WHERE lesson_id = 67 AND is_qualified_for_completion AND qualified_segments @> '[{"start": 7, "end": 1507}]'
        UNION ALL
        SELECT user_id FROM public.video_tracking
        WHERE lesson_id = 67 AND is_qualified_for_completion
            AND qualified_segments IS NULL AND watched_segments @> '[{"start": 7, "end": 1507}]'
    ) AS found
    ORDER BY user_id LIMIT 50
"""

# index: its purpose word for word as in tables.py, and queries for each part of that purpose
QUERIES: dict[str, tuple[str, list[str]]] = {
    "idx_users_role": (
        "rpc_get_sales_leaderboard: the sellers among all users",
        ["SELECT id FROM public.users WHERE role = 'sales_manager'"],
    ),
    "idx_tripwire_users_seller": (
        "list_students(manager_id=…) newest first; rpc_get_sales_chart_data; "
        "rpc_get_manager_stats and readable_student_ids, from the index alone",
        [
            f"SELECT * FROM public.tripwire_users WHERE granted_by = {MANAGER} {NEWEST} 21",
            f"""SELECT created_at::date, count(*), sum(price) FROM public.tripwire_users
                WHERE granted_by = {MANAGER} AND created_at >= now() - interval '30 days' GROUP BY 1""",
            f"""SELECT count(*), count(*) FILTER (WHERE status = 'active'), sum(price), sum(modules_completed)
                FROM public.tripwire_users WHERE granted_by = {MANAGER}""",
            f"SELECT user_id FROM public.tripwire_users WHERE granted_by = {MANAGER}",
        ],
    ),
    "idx_tripwire_user_profile_other_total": (
        "rpc_get_manager_stats, rpc_get_sales_leaderboard: the profiles with another total than three modules",
        ["SELECT user_id, total_modules FROM public.tripwire_user_profile WHERE total_modules NOT IN (0, 3)"],
    ),
    "idx_tripwire_users_created_at": (
        "list_students() newest first",
        [
            f"SELECT * FROM public.tripwire_users {NEWEST} 21",
            f"SELECT * FROM public.tripwire_users WHERE (created_at, id) < (now() - interval '9 days', {STUDENT}) {NEWEST} 21",
        ],
    ),
    "idx_tripwire_users_active": (
        "list_students(status='active') newest first",
        [f"SELECT * FROM public.tripwire_users WHERE status = 'active' {NEWEST} 21"],
    ),
    "idx_tripwire_users_completed": (
        "list_students(status='completed') newest first",
        [f"SELECT * FROM public.tripwire_users WHERE status = 'completed' {NEWEST} 21"],
    ),
    "uq_lessons_module_id_current": (
        "one lesson per module that is not archived; unlock_next_module: the lesson of a module",
        ["SELECT id FROM public.lessons WHERE module_id = 17 AND NOT archived"],
    ),
    # What PostgreSQL itself asks when a row is deleted that others may refer to.
    "idx_module_unlocks_module_id": (
        "the foreign key to modules: deleting a module looks here",
        ["SELECT 1 FROM ONLY public.module_unlocks x WHERE 99 = module_id FOR KEY SHARE OF x"],
    ),
    "idx_student_progress_lesson": (
        "the foreign key to lessons: deleting a lesson looks here",
        ["SELECT 1 FROM ONLY public.student_progress x WHERE 99 = module_id AND 99 = lesson_id FOR KEY SHARE OF x"],
    ),
    "idx_video_tracking_lesson_id": (
        "the foreign key to lessons: deleting a lesson looks here",
        ["SELECT 1 FROM ONLY public.video_tracking x WHERE 99 = lesson_id FOR KEY SHARE OF x"],
    ),
    "idx_video_tracking_qualified_segments": (
        "search_watched_segments(lesson_id, segment)",
        [SEARCH],
    ),
    "idx_video_tracking_segments_not_stored": (
        "search_watched_segments(lesson_id, segment): what an older release qualified",
        [SEARCH],
    ),
    "idx_certificates_user_id": (
        "the foreign key to auth.users; revoke_certificate: the newest of a student",
        [
            f"SELECT 1 FROM ONLY public.certificates x WHERE {STUDENT} = user_id FOR KEY SHARE OF x",
            f"SELECT * FROM public.certificates WHERE user_id = {STUDENT} ORDER BY issued_at DESC, id DESC LIMIT 1",
        ],
    ),
    "uq_certificates_user_id_valid": (
        "one valid certificate per student; get_student, issue_certificate",
        [f"SELECT * FROM public.certificates WHERE user_id = {STUDENT} AND revoked_at IS NULL"],
    ),
    "idx_sales_activity_manager": (
        "rpc_get_manager_activity; search_activity(manager_id=…)",
        [
            f"SELECT * FROM public.sales_activity_log WHERE manager_id = {MANAGER} {NEWEST} 50",
            f"""SELECT * FROM public.sales_activity_log
                WHERE manager_id = {MANAGER} AND details @> '{{"source": "web"}}' {NEWEST} 50""",
        ],
    ),
    "idx_sales_activity_created_at": (
        "search_activity({}) newest first, of all managers",
        [f"SELECT * FROM public.sales_activity_log WHERE details @> '{{}}' {NEWEST} 50"],
    ),
    "idx_sales_activity_target": (
        "delete_student called again: the log row of a student who is gone",
        [
            f"""SELECT * FROM public.sales_activity_log
                WHERE target_user_id = {STUDENT} AND action_type = 'user_deleted' ORDER BY created_at DESC LIMIT 1"""
        ],
    ),
    "idx_sales_activity_details": (
        "search_activity(details)",
        [
            f"""SELECT * FROM public.sales_activity_log
                WHERE details @> '{{"email": "person777@mail.kz"}}' {NEWEST} 50"""
        ],
    ),
}

# list_students: by which index each filter finds its students; docs/reference/repository.md says why those by chance have none
SELLER = {"manager_id": UUID(md5(f"person {STUDENTS + 7}".encode()).hexdigest())}  # noqa: S324 - as the rows are made
LONG_AGO = {"since": date.today() - timedelta(days=100), "until": date.today() - timedelta(days=90)}  # noqa: DTZ011
LISTS: list[tuple[dict[str, Any], str]] = [
    ({}, "idx_tripwire_users_created_at"),
    (LONG_AGO, "idx_tripwire_users_created_at"),
    ({**LONG_AGO, "count": True}, "idx_tripwire_users_created_at"),
    ({"status": "active"}, "idx_tripwire_users_active"),
    ({"status": "completed"}, "idx_tripwire_users_completed"),
    ({"status": "inactive"}, "idx_tripwire_users_created_at"),
    ({"status": "blocked"}, "idx_tripwire_users_created_at"),
    ({"modules_completed": 1}, "idx_tripwire_users_created_at"),
    ({"welcome_email_sent": True}, "idx_tripwire_users_created_at"),
    ({"welcome_email_sent": False}, "idx_tripwire_users_created_at"),
    ({"certificate": True}, "uq_certificates_user_id_valid"),
    ({"certificate": False}, "uq_certificates_user_id_valid"),
    (SELLER, "idx_tripwire_users_seller"),
    ({**SELLER, "count": True}, "idx_tripwire_users_seller"),
    ({**SELLER, **LONG_AGO}, "idx_tripwire_users_seller"),
    ({**SELLER, "search": "nobody"}, "idx_tripwire_users_seller"),
    ({**SELLER, "modules_completed": 2}, "idx_tripwire_users_seller"),
]

# Foreign keys and triggers would only cost time here: the rows are consistent by the way they are made.
MANY = f"""
SET LOCAL session_replication_role = replica;
INSERT INTO auth.users (id, email)
SELECT md5('person ' || n)::uuid, 'person' || n || '@mail.kz' FROM generate_series(1, {STUDENTS + MANAGERS}) AS n;
INSERT INTO public.users (id, email, full_name, role)
SELECT id, email, email, CASE WHEN substr(email, 7, 6)::text > '' AND split_part(substr(email, 7), '@', 1)::int > {STUDENTS}
    THEN 'sales_manager' ELSE 'student' END
FROM auth.users;
INSERT INTO public.tripwire_users (
    user_id, email, full_name, granted_by, status, modules_completed, welcome_email_sent, created_at
)
SELECT
    md5('person ' || n)::uuid, 'person' || n || '@mail.kz', 'Person ' || n,
    md5('person ' || ({STUDENTS + 1} + n % {MANAGERS}))::uuid,
    (ARRAY['active', 'active', 'inactive', 'completed', 'blocked'])[1 + n % 5],
    CASE WHEN n % 5 = 3 THEN 3 ELSE n % 3 END, n % 100 > 0,
    now() - n * interval '5 minutes'
FROM generate_series(1, {STUDENTS}) AS n;
INSERT INTO public.tripwire_user_profile (user_id) SELECT user_id FROM public.tripwire_users;
INSERT INTO public.module_unlocks (user_id, module_id)
SELECT user_id, m FROM public.tripwire_users, unnest('{{16,17}}'::int[]) AS m;
INSERT INTO public.student_progress (user_id, module_id, lesson_id)
SELECT user_id, l - 51, l FROM public.tripwire_users, unnest('{{67,68}}'::int[]) AS l;
INSERT INTO public.video_tracking (
    user_id, lesson_id, watched_segments, is_qualified_for_completion, qualified_segments
)
SELECT
    md5('person ' || n)::uuid, l, watched, l = 67, CASE WHEN l = 67 AND n > 9 THEN watched END
FROM generate_series(1, {STUDENTS}) AS n, unnest('{{67,68}}'::int[]) AS l,
    LATERAL jsonb_build_array(jsonb_build_object('start', n % 1800, 'end', n % 1800 + 1500)) AS watched;
INSERT INTO public.certificates (user_id, url, full_name, revoked_at, revoked_reason)
SELECT md5('person ' || n)::uuid, 'https://c.kz/' || n || k, 'Person', CASE k WHEN 0 THEN now() END, CASE k WHEN 0 THEN 'again' END
FROM generate_series(1, {STUDENTS}, 5) AS n, generate_series(0, 1) AS k;
INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, details, created_at)
SELECT
    md5('person ' || ({STUDENTS + 1} + n % {MANAGERS}))::uuid, 'user_created', md5('person ' || n)::uuid,
    jsonb_build_object('email', 'person' || n || '@mail.kz', 'full_name', 'Person ' || n, 'source', 'web'),
    now() - n * interval '5 minutes'
FROM generate_series(1, {STUDENTS}) AS n;
INSERT INTO public.lessons (id, module_id, title, archived)
SELECT 1000 + n, 16 + n % 3, 'An older take', true FROM generate_series(1, 5000) AS n;
"""


def test_every_purpose_in_the_models_has_its_query_here() -> None:
    said = {index.name: index.info["serves"] for table in metadata.sorted_tables for index in table.indexes}

    assert {index: purpose for index, (purpose, _) in QUERIES.items()} == said


def test_every_index_says_its_purpose_in_the_database(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        found = dict(
            connection.execute(
                """
                SELECT c.relname, obj_description(c.oid, 'pg_class')
                FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
                WHERE c.relnamespace = 'public'::regnamespace
                    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid AND contype IN ('p', 'u'))
                """
            ).fetchall()
        )

    assert found == {index: purpose for index, (purpose, _) in QUERIES.items()}


def test_every_foreign_key_has_an_index_that_begins_with_its_columns(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        uncovered = connection.execute(
            """
            SELECT f.conname FROM pg_constraint f
            WHERE f.contype = 'f' AND f.connamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
                AND NOT EXISTS (
                    SELECT FROM pg_index i
                    WHERE i.indrelid = f.conrelid AND i.indpred IS NULL AND i.indisvalid
                        AND (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey
                )
            """
        ).fetchall()

    assert uncovered == []


def test_no_index_is_covered_by_another(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        covered = connection.execute(
            """
            SELECT a.indexrelid::regclass::text, b.indexrelid::regclass::text
            FROM pg_index a
            JOIN pg_class ca ON ca.oid = a.indexrelid AND ca.relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
            JOIN pg_index b ON b.indrelid = a.indrelid AND b.indexrelid <> a.indexrelid
            JOIN pg_class cb ON cb.oid = b.indexrelid AND cb.relam = ca.relam
            WHERE (NOT a.indisunique OR (b.indisunique AND b.indnkeyatts = a.indnkeyatts))
                AND (b.indkey::text || ' ') LIKE (a.indkey::text || ' %')
                AND (b.indoption::text || ' ') LIKE (a.indoption::text || ' %')
                -- A partial index is smaller: only another of the same rows makes it needless.
                AND pg_get_expr(a.indpred, a.indrelid) IS NOT DISTINCT FROM pg_get_expr(b.indpred, b.indrelid)
            """
        ).fetchall()

    assert covered == []


def test_no_index_is_invalid(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid").fetchall() == []


def indexes_of(plan: dict) -> set[str]:
    """Every index that a plan reads."""
    found = {plan["Index Name"]} if "Index Name" in plan else set()
    return found.union(*(indexes_of(child) for child in plan.get("Plans", [])))


@pytest.mark.heavy
def test_the_planner_takes_each_index_for_its_queries_among_100000_students(
    make_database: MakeDatabase, major: int
) -> None:
    url = make_database(server=major)
    with psycopg.connect(url) as connection:
        connection.execute(MANY)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")

        missed = []
        for index, (_, queries) in QUERIES.items():
            for query in queries:
                row = connection.execute(f"EXPLAIN (FORMAT JSON) {query}").fetchone()
                assert row is not None
                taken = indexes_of(row[0][0]["Plan"])
                if index not in taken:
                    missed.append(f"{index}: {query}\n{json.dumps(row[0][0]['Plan'], indent=1)}")
        for arguments, index in LISTS:
            flow = list_students(**arguments)
            # Another statement than the flow's own could take another way.
            plan = connection.execute(f"EXPLAIN (FORMAT JSON) {flow.sql()}", flow.parameters).fetchone()[0][0]["Plan"]
            if index not in indexes_of(plan):
                missed.append(f"{index}: list_students({arguments})\n{json.dumps(plan, indent=1)}")

    assert not missed, "\n".join(missed)
