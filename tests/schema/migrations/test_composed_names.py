"""Names that older backends stored as they were typed are composed, and nothing else of their rows changes."""

import unicodedata

import psycopg

from tests.conftest import MakeDatabase
from tests.support.auth import auth_for
from tripwire_db import TripwireRepository, migrations
from tripwire_db.schema.course.sample_rows import STUDENTS, fill_head, fill_v2

BEFORE, REVISION = "20261126075943", "20261126081215"
TYPED = unicodedata.normalize("NFD", "Андрей Ёлкин")
COMPOSED = unicodedata.normalize("NFC", TYPED)
PERSON = {"public.users": "id", "public.tripwire_users": "user_id", "public.certificates": "user_id"}
TABLES = (*PERSON, "public.sales_activity_log")


def rows(connection: psycopg.Connection) -> dict[str, list[str]]:
    return {
        table: [row for (row,) in connection.execute(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY id").fetchall()]
        for table in TABLES
    }


def test_names_are_composed_wherever_they_stand_and_nothing_else_changes(make_database: MakeDatabase):
    url = make_database(migrated=BEFORE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
        fill_head(connection)
        for table, key in PERSON.items():
            named = connection.execute(f"UPDATE {table} SET full_name = %s WHERE {key} = %s", [TYPED, STUDENTS[0]])
            assert named.rowcount == 1, table
        connection.execute("UPDATE public.tripwire_users SET manager_name = %s", [TYPED])
        assert connection.execute(
            "UPDATE public.sales_activity_log SET details = details || jsonb_build_object('full_name', %s::text, 'n', 1)",
            [TYPED],
        ).rowcount
        before = rows(connection)
    assert any(TYPED in row for row in before["public.certificates"])

    migrations.upgrade(url, REVISION)

    expected = {table: [row.replace(TYPED, COMPOSED) for row in found] for table, found in before.items()}
    with psycopg.connect(url) as connection:
        assert rows(connection) == expected, "updated_at, too, is as it was"
        connection.execute("UPDATE public.users SET full_name = full_name WHERE id = %s", [STUDENTS[0]])
        assert rows(connection)["public.users"] != expected["public.users"], "the triggers stand again"
    migrations.upgrade(url)
    with auth_for(url) as auth, TripwireRepository.connect(url, auth=auth) as repository:
        found = repository.list_students(search="андрей ёлкин")
    assert [str(student.user_id) for student in found] == [str(STUDENTS[0])]

    migrations.downgrade(url, BEFORE)
    with psycopg.connect(url) as connection:
        assert rows(connection)["public.certificates"] == expected["public.certificates"]
