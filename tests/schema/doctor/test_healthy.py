"""A healthy database has no findings: at head, at the first revision, and while people are busy."""

import threading

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.doctor.people import make_people, open_repository
from tests.schema.migrations.chain import BASELINE
from tripwire_db import migrations
from tripwire_db.schema.course.sample_rows import fill_v2
from tripwire_db.schema.doctor import examine


def test_a_hundred_students_of_the_repository_at_every_stage_are_healthy(
    make_database: MakeDatabase, major: int
) -> None:
    url = make_database(server=major)
    with open_repository(url) as repository:
        make_people(repository, 100)

    assert examine(url) == ()


def test_students_of_v2_are_healthy_before_the_upgrade_and_after_it(make_database: MakeDatabase, major: int) -> None:
    url = make_database(migrated=BASELINE, server=major)
    with psycopg.connect(url) as connection:
        fill_v2(connection)

    assert examine(url) == ()

    migrations.upgrade(url)

    assert examine(url) == ()


def test_creations_deletions_and_lessons_that_go_on_meanwhile_are_no_findings(database_url: str) -> None:
    with open_repository(database_url) as repository:
        done = threading.Event()
        manager = repository.create_manager(email="dana@sales.kz", full_name="Dana K.")
        failures: list[BaseException] = []

        def live(name: str) -> None:
            number = 0
            try:
                while not done.is_set():
                    number += 1
                    student = repository.create_tripwire_user(
                        email=f"{name}{number}@mail.kz", full_name="Student", manager_id=manager.user_id
                    ).user_id
                    repository.update_video_tracking(user_id=student, lesson_id=67, segments=[(0, 1800)], position=1800)
                    repository.complete_lesson(user_id=student, lesson_id=67)
                    if number % 2:
                        repository.delete_student(user_id=student, manager_id=manager.user_id)
            except BaseException as error:  # noqa: BLE001 - told by the test
                failures.append(error)

        threads = [threading.Thread(target=live, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        try:
            found = [examine(database_url) for _ in range(5)]
        finally:
            done.set()
            for thread in threads:
                thread.join()

    assert failures == []
    assert found == [()] * 5


@pytest.mark.parametrize("revision", [None, "20261101090000"], ids=["not migrated", "a table missing"])
def test_a_database_without_our_tables_is_told_what_to_do(make_database: MakeDatabase, revision: str | None) -> None:
    from tripwire_db.errors import Refused

    url = make_database(migrated=revision or False)
    if revision:
        with psycopg.connect(url) as connection:
            connection.execute("DROP TABLE public.user_statistics")

    with pytest.raises(Refused, match=r"no table .*user_statistics.*tripwire-db upgrade"):
        examine(url)


def test_a_role_that_would_not_see_the_rows_is_refused(database_url: str) -> None:
    from tripwire_db.errors import Refused

    with psycopg.connect(database_url) as connection:
        connection.execute(
            "DO $$ BEGIN CREATE ROLE nearsighted LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            "GRANT USAGE ON SCHEMA public TO nearsighted; GRANT SELECT ON ALL TABLES IN SCHEMA public TO nearsighted"
        )
    with pytest.raises(Refused, match="row-level security hides rows"):
        examine(database_url.replace("//postgres@", "//nearsighted@"))


@pytest.mark.plain_server
def test_a_role_that_would_not_see_the_auth_users_is_refused_rather_than_told_that_all_are_gone(
    database_url: str,
) -> None:
    from tripwire_db.errors import Refused

    with psycopg.connect(database_url) as connection:
        connection.execute(
            "DO $$ BEGIN CREATE ROLE shortsighted LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            "GRANT USAGE ON SCHEMA auth, public TO shortsighted; GRANT SELECT ON auth.users TO shortsighted"
        )
        for (table,) in connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall():
            connection.execute(f"ALTER TABLE {table} OWNER TO shortsighted")
    with pytest.raises(Refused, match=r"row-level security hides rows of auth\.users"):
        examine(database_url.replace("//postgres@", "//shortsighted@"))


def test_students_who_are_blocked_here_and_banned_there_are_no_findings(database_url: str) -> None:
    with open_repository(database_url) as repository:
        people = make_people(repository, 8)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE auth.users SET banned_until = 'infinity' WHERE id = ANY (%s)", (people.at["blocked"],)
        )
        connection.execute(
            "UPDATE auth.users SET banned_until = now() - interval '1 s' WHERE id = ANY (%s)", (people.at["new"],)
        )
    assert examine(database_url) == ()


@pytest.mark.plain_server
def test_a_stand_in_of_an_older_release_can_be_looked_at(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE auth.users DROP COLUMN deleted_at, DROP COLUMN banned_until")
    assert examine(database_url) == ()
