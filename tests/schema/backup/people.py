"""A course with people in it, and what is to be the same after a restore."""

from collections.abc import Mapping

import psycopg

from tripwire_db import PostgresAuth, TripwireRepository, WatchPolicy
from tripwire_db.schema.check.rows import rows


def fill(url: str, students: int = 3) -> None:
    """A manager, and students of whom the first has completed a lesson."""
    with (
        PostgresAuth(url) as auth,
        TripwireRepository.connect(url, auth=auth, policy=WatchPolicy(max_rate=None)) as repository,
    ):
        manager = repository.create_manager(email="dana@example.com", full_name="Dana K.")
        made = [
            repository.create_tripwire_user(
                email=f"student{number}@example.com",
                full_name=f"Әйгерім {number}",
                manager_id=manager.user_id,
                password="long enough",
            )
            for number in range(students)
        ]
        repository.update_video_tracking(user_id=made[0].user_id, lesson_id=67, segments=[(0, 1700)], position=1700)
        repository.complete_lesson(user_id=made[0].user_id, lesson_id=67)
    odd = "Tab\t, line\n, \\. and 'quotes' – \\N \u2028 \x85"
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE public.tripwire_users SET manager_name = %s WHERE email ~ 'student0'", (odd,))
        connection.execute("UPDATE auth.users SET raw_user_meta_data = jsonb_build_object('name', %s::text)", (odd,))


def all_rows(url: str) -> Mapping[str, list[str]]:
    """Every row of ours, and of auth, as text."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return rows(connection, ("public", "tripwire", "auth"), without="alembic_version")


def run(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())
