"""A damaged v2 database of 10,000 students goes from the stamp to head, and every row is accounted for."""

import time

import psycopg
import pytest
from alembic import command
from psycopg import sql

from tests.conftest import MakeDatabase
from tests.schema.migrations.chain import BASELINE
from tests.schema.migrations.damage import EXPECTED, MANAGERS, STUDENTS, TABLES, damage
from tripwire_db import migrations
from tripwire_db.schema.course.sample_rows import MANAGERS as SELLERS
from tripwire_db.schema.course.sample_rows import STUDENTS as HEALTHY
from tripwire_db.schema.course.sample_rows import fill_v2


def count(connection: psycopg.Connection, sql: str, *values: object) -> int:
    row = connection.execute(sql, values).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def by_hand(make_database: MakeDatabase, major: int) -> str:
    """A database with v2's catalog that Alembic has never seen."""
    url = make_database(migrated=BASELINE, server=major)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE tripwire.alembic_version; DROP SCHEMA tripwire")
    return url


def test_ten_thousand_damaged_students_reach_head_with_every_row_accounted_for(by_hand: str) -> None:
    with psycopg.connect(by_hand) as connection:
        damage(connection)

    command.stamp(migrations.config(by_hand), BASELINE)
    began = time.monotonic()
    migrations.upgrade(by_hand)
    seconds = time.monotonic() - began

    print(f"{STUDENTS} damaged students mended and tightened in {seconds:.1f} s")
    assert migrations.current(by_hand) in migrations.heads()
    with psycopg.connect(by_hand) as connection:
        for table, key in TABLES.items():
            expected = EXPECTED[table]
            wrong = connection.execute(
                f"""
                SELECT b.{key}, to_jsonb(b), to_jsonb(a)
                FROM before.{table} AS b LEFT JOIN public.{table} AS a USING ({key})
                WHERE a.{key} IS NULL OR ({expected}) IS NOT TRUE
                LIMIT 3
                """
            ).fetchall()
            assert wrong == [], table
            before = count(connection, f"SELECT count(*) FROM before.{table}")
            assert before > 0
            new = 2 if table == "users" else 0  # the two sellers whom only auth.users knew
            assert count(connection, f"SELECT count(*) FROM public.{table}") == before + new

        sellers = connection.execute(
            """
            SELECT u.email, u.role, u.full_name FROM public.users u
            WHERE NOT EXISTS (SELECT FROM before.users b WHERE b.id = u.id) ORDER BY 1
            """
        ).fetchall()
        assert sellers == [
            (f"seller{n}@mail.kz", "sales_manager", f"Person {n}")
            for n in (STUDENTS + MANAGERS - 1, STUDENTS + MANAGERS)
        ]

        issued = count(
            connection,
            "SELECT count(*) FROM before.tripwire_user_profile WHERE certificate_issued AND certificate_url <> ''",
        )
        right = count(
            connection,
            """
            SELECT count(*)
            FROM before.tripwire_user_profile b
            JOIN public.tripwire_user_profile p USING (id)
            JOIN public.tripwire_users t ON t.user_id = b.user_id
            JOIN public.certificates c ON c.user_id = b.user_id
            WHERE b.certificate_issued AND c.url = b.certificate_url AND c.full_name = t.full_name
                AND c.issued_at = p.updated_at AND c.revoked_at IS NULL AND c.number ~ '^TW-[0-9]{6}$'
                AND length(c.verification_code) = 64
            """,
        )
        assert issued == right == count(connection, "SELECT count(*) FROM public.certificates") > 100


def test_extra_columns_and_tables_are_left_alone(make_database: MakeDatabase) -> None:
    url = make_database(migrated=BASELINE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
        connection.execute(
            """
            ALTER TABLE public.tripwire_users ADD COLUMN amocrm_phone text, ADD COLUMN amocrm_deal_id bigint DEFAULT 7;
            UPDATE public.tripwire_users SET amocrm_phone = '+7 701 ' || id;
            CREATE TABLE public.tripwire_progress (id int PRIMARY KEY, updated_at timestamptz);
            CREATE TRIGGER keep BEFORE UPDATE ON public.tripwire_progress
                FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
            INSERT INTO public.tripwire_progress VALUES (1);
            """
        )

    migrations.upgrade(url)

    with psycopg.connect(url) as connection:
        assert (
            count(connection, "SELECT count(*) FROM public.tripwire_users WHERE amocrm_phone = '+7 701 ' || id")
            == count(connection, "SELECT count(*) FROM public.tripwire_users WHERE amocrm_deal_id = 7")
            == len(HEALTHY)
        )
        connection.execute("UPDATE public.tripwire_progress SET id = 2")
        assert count(connection, "SELECT count(*) FROM public.tripwire_progress WHERE updated_at IS NOT NULL") == 1


@pytest.mark.plain_server
def test_upgrade_head_on_an_empty_database_takes_two_seconds_at_most(make_database: MakeDatabase, major: int) -> None:
    """The best of up to five, since other tests share the machine."""
    taken = []
    while len(taken) < 5 and min(taken, default=3) > 2:
        url = make_database(migrated=False, server=major)
        began = time.monotonic()
        migrations.upgrade(url)
        taken.append(time.monotonic() - began)

    assert min(taken) <= 2, taken


def test_mending_leaves_healthy_rows_as_they_are(make_database: MakeDatabase) -> None:
    url = make_database(migrated=BASELINE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
        cursor = connection.execute("SELECT ctid, xmin, * FROM public.tripwire_users ORDER BY id")
        before = cursor.fetchall()
        # By name: a column that a later revision adds is no difference.
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in cursor.description or ())

    migrations.upgrade(url)

    with psycopg.connect(url) as connection:
        after = connection.execute(sql.SQL("SELECT {} FROM public.tripwire_users ORDER BY id").format(columns))
        assert after.fetchall() == before


def test_the_course_is_seeded_once_and_never_reset(make_database: MakeDatabase) -> None:
    url = make_database(migrated="20261103090000")
    with psycopg.connect(url) as connection:
        assert connection.execute(
            "SELECT id, position, title, archived FROM public.modules ORDER BY id"
        ).fetchall() == [
            (16, 1, "Module 1", False),
            (17, 2, "Module 2", False),
            (18, 3, "Module 3", False),
        ]
        assert connection.execute(
            "SELECT id, module_id, title, duration_seconds, archived FROM public.lessons ORDER BY id"
        ).fetchall() == [
            (67, 16, "Lesson 1", 1800, False),
            (68, 17, "Lesson 2", 1800, False),
            (69, 18, "Lesson 3", 1800, False),
        ]
        connection.execute("UPDATE public.modules SET title = 'Introduction' WHERE id = 16")
        connection.execute("UPDATE public.lessons SET duration_seconds = 2400, title = 'Welcome' WHERE id = 67")

    migrations.upgrade(url)

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT title FROM public.modules WHERE id = 16").fetchone() == ("Introduction",)
        assert connection.execute("SELECT title, duration_seconds FROM public.lessons WHERE id = 67").fetchone() == (
            "Welcome",
            2400,
        )


def test_a_blocked_student_of_a_variant_stays_blocked(make_database: MakeDatabase) -> None:
    url = make_database(migrated=BASELINE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
        connection.execute(
            """
            ALTER TABLE public.tripwire_users DROP CONSTRAINT tripwire_users_status_check;
            UPDATE public.tripwire_users SET status = 'blocked', email = upper(email);
            ALTER TABLE public.tripwire_users ADD CONSTRAINT tripwire_users_status_check
                CHECK (status IN ('active', 'inactive', 'completed')) NOT VALID;
            """
        )

    migrations.upgrade(url)

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT DISTINCT status FROM public.tripwire_users").fetchall() == [("blocked",)]
        assert count(connection, "SELECT count(*) FROM public.users WHERE id = ANY (%s)", list(SELLERS)) == 2
