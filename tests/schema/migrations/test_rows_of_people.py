"""What happens to rows when people go, and to `updated_at` when a row changes."""

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tripwire_db.schema.course.sample_rows import MANAGERS, STUDENTS, fill_head, fill_v2
from tripwire_db.tables import metadata

HAVE_UPDATED_AT = sorted(table.name for table in metadata.sorted_tables if "updated_at" in table.c)


@pytest.fixture
def filled(make_database: MakeDatabase, major: int) -> psycopg.Connection:
    with psycopg.connect(make_database(server=major)) as connection:
        fill_v2(connection)
        fill_head(connection)
        connection.commit()
        yield connection


def test_deleting_any_auth_user_works_and_keeps_the_log(filled: psycopg.Connection) -> None:
    log = filled.execute("SELECT * FROM public.sales_activity_log ORDER BY id").fetchall()
    assert len(log) == len(STUDENTS)

    filled.execute("DELETE FROM auth.users WHERE id = %s", [MANAGERS[0]])

    assert filled.execute("SELECT count(*), count(granted_by) FROM public.tripwire_users").fetchone() == (5, 0)
    assert filled.execute("SELECT count(*) FROM public.users WHERE id = %s", [MANAGERS[0]]).fetchone() == (0,)

    for (person,) in filled.execute("SELECT id FROM auth.users").fetchall():
        filled.execute("DELETE FROM auth.users WHERE id = %s", [person])

    for table in ("users", "tripwire_users", "tripwire_user_profile", "module_unlocks", "student_progress"):
        assert filled.execute(f"SELECT count(*) FROM public.{table}").fetchone() == (0,)
    for table in ("video_tracking", "user_achievements", "user_statistics", "certificates"):
        assert filled.execute(f"SELECT count(*) FROM public.{table}").fetchone() == (0,)
    assert filled.execute("SELECT * FROM public.sales_activity_log ORDER BY id").fetchall() == log


def test_every_table_with_updated_at_moves_it_on_update(filled: psycopg.Connection) -> None:
    assert "user_achievements" in HAVE_UPDATED_AT
    assert len(HAVE_UPDATED_AT) == 10
    for table in HAVE_UPDATED_AT:
        before = dict(filled.execute(f"SELECT ctid::text, updated_at FROM public.{table}").fetchall())
        assert before, table

        # Twice in one transaction, and whatever the statement says: the time of the change, not of the transaction.
        first = filled.execute(f"UPDATE public.{table} SET created_at = created_at RETURNING updated_at").fetchall()
        second = filled.execute(f"UPDATE public.{table} SET updated_at = '2000-01-01' RETURNING updated_at").fetchall()

        assert max(before.values()) < min(first)[0], table
        assert max(first) < min(second), table


def test_the_number_of_a_certificate_begins_at_100001_and_codes_differ(filled: psycopg.Connection) -> None:
    filled.execute(
        "INSERT INTO public.certificates (user_id, url, full_name) VALUES (%s, 'u', 'B'), (%s, 'u', 'C')", STUDENTS[1:3]
    )

    made = filled.execute("SELECT number, verification_code FROM public.certificates ORDER BY number").fetchall()

    assert [number for number, _ in made] == ["TW-100001", "TW-100002", "TW-100003"]
    assert len({code for _, code in made}) == 3


def test_a_revoked_certificate_stays_beside_a_valid_one(filled: psycopg.Connection) -> None:
    filled.execute("UPDATE public.certificates SET revoked_at = now(), revoked_reason = 'a mistake'")
    fill_head(filled)

    assert filled.execute("SELECT count(*), count(revoked_at) FROM public.certificates").fetchone() == (2, 1)
