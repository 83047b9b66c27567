"""Rows that cannot be mended without losing something stop the upgrade before anything is changed, and are named."""

import re

import psycopg
import pytest
from alembic.util import CommandError

from tests.conftest import MakeDatabase
from tests.schema.migrations.chain import BASELINE
from tripwire_db import migrations
from tripwire_db.schema.check.dump import difference, dump
from tripwire_db.schema.check.rows import rows
from tripwire_db.schema.course.sample_rows import MANAGERS, STUDENTS, fill_v2

A, B, C = STUDENTS[:3]
NEWCOMER = "00000000-0000-4000-8000-0000000000ff"
LOOSE = "ALTER TABLE public.{table} DROP CONSTRAINT {name}; {change}; ALTER TABLE public.{table} ADD CONSTRAINT {name} {rule} NOT VALID"


def without(table: str, name: str, rule: str, change: str) -> str:
    """Damage a row against a rule of v2 that somebody dropped and added again NOT VALID."""
    return LOOSE.format(table=table, name=name, rule=rule, change=change)


# name: the damage, the table, which rows (a condition), what is said of them
UNMENDABLE = {
    "e-mails of users that differ only by case": (
        f"UPDATE public.users SET email = (SELECT upper(email) FROM public.users WHERE id = '{A}') WHERE id = '{B}'",
        "users",
        f"id IN ('{A}', '{B}')",
        "the same e-mail as another row",
    ),
    "e-mails of students that differ only by case": (
        f"UPDATE public.tripwire_users SET email = (SELECT upper(email) FROM public.users WHERE id = '{A}') "
        f"WHERE user_id = '{B}'",
        "tripwire_users",
        f"user_id IN ('{A}', '{B}')",
        "the same e-mail as another row",
    ),
    "two students with one e-mail": (
        f"UPDATE public.tripwire_users SET email = 'one@mail.kz' WHERE user_id IN ('{A}', '{B}')",
        "tripwire_users",
        f"user_id IN ('{A}', '{B}')",
        "the same e-mail as another row",
    ),
    "a seller without a row whose e-mail another user has": (
        f"DELETE FROM public.users WHERE id = '{MANAGERS[0]}';"
        f"UPDATE public.users SET email = 'Anna@sale.kz' WHERE id = '{B}'",
        "tripwire_users",
        f"granted_by = '{MANAGERS[0]}'",
        "the e-mail is taken by another user",
    ),
    "a seller without a row or an e-mail": (
        f"DELETE FROM public.users WHERE id = '{MANAGERS[0]}';"
        f"UPDATE auth.users SET email = NULL WHERE id = '{MANAGERS[0]}'",
        "tripwire_users",
        f"granted_by = '{MANAGERS[0]}'",
        "no e-mail in auth.users",
    ),
    "two sellers without rows, of one e-mail": (
        f"DELETE FROM public.users WHERE role = 'sales_manager';"
        f"UPDATE public.tripwire_users SET granted_by = '{MANAGERS[1]}' WHERE user_id = '{A}';"
        f"DROP INDEX IF EXISTS auth.users_email_key; ALTER TABLE auth.users DROP CONSTRAINT IF EXISTS users_email_key;"
        f"UPDATE auth.users SET email = 'ANNA@sale.kz' WHERE id = '{MANAGERS[1]}'",
        "tripwire_users",
        "true",
        "the e-mail is taken by another user",
    ),
    "completed_at without completed": (
        f"UPDATE public.student_progress SET completed_at = now() WHERE user_id = '{A}' AND lesson_id = 68",
        "student_progress",
        f"user_id = '{A}' AND lesson_id = 68",
        "completed_at without the status completed",
    ),
    "completed_at without a status": (
        f"UPDATE public.student_progress SET status = NULL, completed_at = now() WHERE user_id = '{A}' AND lesson_id = 68",
        "student_progress",
        f"user_id = '{A}' AND lesson_id = 68",
        "completed_at without the status completed",
    ),
    "lesson 67 reported with module 18": (
        f"UPDATE public.student_progress SET module_id = 18 WHERE user_id = '{C}' AND lesson_id = 67",
        "student_progress",
        f"user_id = '{C}' AND lesson_id = 67",
        "the lesson does not belong to the module",
    ),
    "more modules completed than there are": (
        f"UPDATE public.tripwire_user_profile SET total_modules = 2, modules_completed = 3 WHERE user_id = '{A}'",
        "tripwire_user_profile",
        f"user_id = '{A}'",
        "modules_completed exceeds total_modules",
    ),
    "a certificate in nobody's name": (
        f"UPDATE public.tripwire_user_profile SET certificate_issued = true, certificate_url = 'https://c.kz' WHERE user_id = '{A}';"
        f"DELETE FROM public.tripwire_users WHERE user_id = '{A}'; UPDATE public.users SET full_name = NULL WHERE id = '{A}'",
        "tripwire_user_profile",
        f"user_id = '{A}'",
        "nobody knows the name",
    ),
    "segments that are an object": (
        f"""UPDATE public.video_tracking SET watched_segments = '{{"start": 0}}' WHERE user_id = '{A}' AND lesson_id = 67""",
        "video_tracking",
        f"user_id = '{A}' AND lesson_id = 67",
        "watched_segments is no array",
    ),
    "segments that are a string of nonsense": (
        f"""UPDATE public.video_tracking SET watched_segments = '"[0, 1"' WHERE user_id = '{A}' AND lesson_id = 67""",
        "video_tracking",
        f"user_id = '{A}' AND lesson_id = 67",
        "a string that holds no JSON array",
    ),
    "segments that are a string of a number": (
        f"""UPDATE public.video_tracking SET watched_segments = '"405"' WHERE user_id = '{A}' AND lesson_id = 67""",
        "video_tracking",
        f"user_id = '{A}' AND lesson_id = 67",
        "a string that holds no JSON array",
    ),
    "an unknown role": (
        without(
            "users",
            "users_role_check",
            "CHECK (role IN ('student', 'sales_manager'))",
            f"UPDATE public.users SET role = 'boss' WHERE id = '{A}'",
        ),
        "users",
        f"id = '{A}'",
        "an unknown role",
    ),
    "an unknown status": (
        without(
            "tripwire_users",
            "tripwire_users_status_check",
            "CHECK (status IN ('active'))",
            f"UPDATE public.tripwire_users SET status = 'asleep' WHERE user_id = '{A}'",
        ),
        "tripwire_users",
        f"user_id = '{A}'",
        "an unknown status",
    ),
    "a negative price": (
        without(
            "tripwire_users",
            "tripwire_users_price_check",
            "CHECK (price >= 0)",
            f"UPDATE public.tripwire_users SET price = -1 WHERE user_id = '{A}'",
        ),
        "tripwire_users",
        f"user_id = '{A}'",
        "a negative price",
    ),
    "a fourth module": (
        without(
            "tripwire_users",
            "tripwire_users_modules_completed_check",
            "CHECK (modules_completed <= 3)",
            f"UPDATE public.tripwire_users SET modules_completed = 4 WHERE user_id = '{A}'",
        ),
        "tripwire_users",
        f"user_id = '{A}'",
        "modules_completed outside 0-3",
    ),
    "a percentage above 100": (
        without(
            "tripwire_user_profile",
            "tripwire_user_profile_completion_percentage_check",
            "CHECK (completion_percentage <= 100)",
            f"UPDATE public.tripwire_user_profile SET completion_percentage = 133 WHERE user_id = '{A}'",
        ),
        "tripwire_user_profile",
        f"user_id = '{A}'",
        "completion_percentage outside 0-100",
    ),
    "an unlock of module 19": (
        without(
            "module_unlocks",
            "module_unlocks_module_id_check",
            "CHECK (module_id IN (16, 17, 18))",
            f"UPDATE public.module_unlocks SET module_id = 19 WHERE user_id = '{A}' AND module_id = 17",
        ),
        "module_unlocks",
        f"user_id = '{A}' AND module_id = 19",
        "a module that the course does not have",
    ),
    "a video of lesson 70": (
        without(
            "video_tracking",
            "video_tracking_lesson_id_check",
            "CHECK (lesson_id IN (67, 68, 69))",
            f"UPDATE public.video_tracking SET lesson_id = 70 WHERE user_id = '{A}' AND lesson_id = 68",
        ),
        "video_tracking",
        f"user_id = '{A}' AND lesson_id = 70",
        "a lesson that the course does not have",
    ),
    "an unknown achievement": (
        without(
            "user_achievements",
            "user_achievements_achievement_id_check",
            "CHECK (achievement_id LIKE '%_complete')",
            f"UPDATE public.user_achievements SET achievement_id = 'hero' WHERE user_id = '{A}' AND required_value = 3",
        ),
        "user_achievements",
        f"user_id = '{A}' AND achievement_id = 'hero'",
        "an unknown achievement",
    ),
    "negative time": (
        without(
            "user_statistics",
            "user_statistics_total_time_spent_check",
            "CHECK (total_time_spent >= 0)",
            f"UPDATE public.user_statistics SET total_time_spent = -1 WHERE user_id = '{A}'",
        ),
        "user_statistics",
        f"user_id = '{A}'",
        "a negative count",
    ),
    "an unknown action": (
        without(
            "sales_activity_log",
            "sales_activity_log_action_type_check",
            "CHECK (action_type LIKE 'user%')",
            f"UPDATE public.sales_activity_log SET action_type = 'danced' WHERE target_user_id = '{A}'",
        ),
        "sales_activity_log",
        f"target_user_id = '{A}'",
        "an unknown action_type",
    ),
    "a row whose auth user is gone": (
        without(
            "user_statistics",
            "user_statistics_user_id_fkey",
            "FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE",
            f"UPDATE public.user_statistics SET user_id = '{NEWCOMER}' WHERE user_id = '{A}'",
        ),
        "user_statistics",
        f"user_id = '{NEWCOMER}'",
        "no such row in auth.users",
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        # Its two auth users of one e-mail are no two of Supabase's.
        pytest.param(case, marks=pytest.mark.plain_server if case.startswith("two sellers without rows") else ())
        for case in UNMENDABLE
    ],
)
def test_a_row_that_cannot_be_mended_is_named_and_nothing_is_changed(case: str, make_database: MakeDatabase) -> None:
    change, table, which, reason = UNMENDABLE[case]
    url = make_database(migrated=BASELINE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
        connection.execute(change)
        key = "user_id" if table == "user_statistics" else "id"
        ids = {str(row[0]) for row in connection.execute(f"SELECT {key} FROM public.{table} WHERE {which}")}
        before = rows(connection)
    assert ids
    catalog = dump(url)

    with pytest.raises(CommandError) as refused:
        migrations.upgrade(url)

    said = str(refused.value)
    assert re.search(rf"^  {table}: .*{re.escape(reason)}.*: .*$", said, re.MULTILINE), said
    for row_id in ids:
        assert row_id in said
    listed = [line.rsplit(": ", 1) for line in said.splitlines() if line.startswith("  ")]
    named = {row_id for _, row_ids in listed for row_id in row_ids.split(", ")}
    assert named == ids, "no other row is named"
    assert "@" not in said.partition("—")[0], "e-mails stay out of messages"
    assert migrations.current(url) == BASELINE
    assert difference(catalog, dump(url)) == ""
    with psycopg.connect(url) as connection:
        assert rows(connection) == before


def test_every_unmendable_row_is_named_at_once(make_database: MakeDatabase, major: int) -> None:
    url = make_database(migrated=BASELINE, server=major)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
        connection.execute("UPDATE public.student_progress SET module_id = 18 WHERE lesson_id = 67")
        connection.execute("UPDATE public.tripwire_user_profile SET total_modules = 0")

    with pytest.raises(CommandError, match="10 rows cannot be mended") as refused:
        migrations.upgrade(url)

    assert len(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(refused.value))) == 10
    assert "tripwire-db adopt" in str(refused.value)


def test_a_row_spoiled_after_the_first_look_stops_the_mending_itself(make_database: MakeDatabase) -> None:
    url = make_database(migrated=BASELINE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
    migrations.upgrade(url, "20261105150000")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE public.student_progress SET module_id = 18 WHERE lesson_id = 67")
    catalog = dump(url)

    with pytest.raises(CommandError, match="5 rows cannot be mended"):
        migrations.upgrade(url)

    assert migrations.current(url) == "20261105150000"
    assert difference(catalog, dump(url)) == ""
