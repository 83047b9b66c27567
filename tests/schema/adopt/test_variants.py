"""Each variant in the field is reported, adopted and upgraded; every row is in its table or in the quarantine."""

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.adopt.test_exact import unstamped
from tests.schema.adopt.variants import OBJECTS, VARIANTS, Variant
from tests.schema.migrations.chain import BASELINE
from tests.support.auth import auth_for
from tripwire_db import TripwireRepository, migrations
from tripwire_db.schema.adopt import FIRST_REVISION, Report, adopt, inspect
from tripwire_db.schema.course.sample_rows import MANAGERS, TABLES_OF_V2
from tripwire_db.schema.doctor import State, examine, mend


def keys(connection: psycopg.Connection, table: str) -> list[str]:
    if connection.execute("SELECT to_regclass(%s)", [f"public.{table}"]).fetchone() == (None,):
        return []
    columns = {
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [f"public.{table}"],
        )
    }
    key = "id" if "id" in columns else "user_id"
    extra = " || achievement_id" if table == "user_achievements" and key == "user_id" else ""
    return sorted(value for (value,) in connection.execute(f"SELECT {key}::text{extra} FROM public.{table}"))


def remember(url: str) -> dict[str, list[str]]:
    with psycopg.connect(url) as connection:
        return {table: keys(connection, table) for table in TABLES_OF_V2}


def assert_every_row_is_somewhere(url: str, before: dict[str, list[str]]) -> None:
    with psycopg.connect(url) as connection:
        for table, rows in before.items():
            moved = [
                key
                for (key,) in connection.execute(
                    "SELECT coalesce(row ->> 'id', row ->> 'user_id') FROM tripwire.quarantine WHERE table_name = %s",
                    [table],
                )
            ]
            now = keys(connection, table)
            if rows and len(rows[0]) > 36:  # had no id of its own
                assert len(now) + len(moved) == len(rows), table
            else:
                assert sorted([*now, *moved]) == rows, table


def follow(report: Report) -> list[tuple[str, str]]:
    return [(row.table, row.reason) for row in report.quarantined]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_reported_adopted_upgraded_and_works(name: str, make_database: MakeDatabase) -> None:
    variant: Variant = VARIANTS[name]
    url = unstamped(make_database(migrated=BASELINE))
    with psycopg.connect(url) as connection:
        connection.execute(variant.sql)
    before = remember(url)

    report = inspect(url)

    assert report.revision is None
    assert report.blockers == ()
    assert bool(report.differences) or name not in OBJECTS
    assert {row.table for row in report.quarantined} == set(variant.quarantined)
    for row in report.quarantined:
        assert variant.quarantined[row.table] in row.reason
    assert remember(url) == before

    done = adopt(url)

    assert (done.revision, done.differences, follow(done)) == (FIRST_REVISION, report.differences, follow(report))
    assert_every_row_is_somewhere(url, before)

    migrations.upgrade(url, quiet=True)

    with psycopg.connect(url) as connection:
        assert connection.execute(variant.at_head).fetchone() == (True,)
    assert [result.state for result in mend(url, examine(url)) if result.state in (State.FAILED, State.CHANGED)] == []
    assert [finding for finding in examine(url) if finding.mendable] == []
    with auth_for(url) as auth, TripwireRepository.connect(url, auth=auth) as repository:
        created = repository.create_tripwire_user(
            email="new@mail.kz", full_name="New", manager_id=MANAGERS[0], price=7000
        )
        repository.update_video_tracking(user_id=created.user_id, lesson_id=67, segments=[(0, 10)], position=10)
        assert repository.get_manager_stats(manager_id=MANAGERS[0]).total_students >= 1
        repository.delete_student(user_id=created.user_id, manager_id=MANAGERS[0])
