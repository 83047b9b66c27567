"""What would go wrong, or untold, when columns change: named with a way out before anything is tried, or done and told."""

import re

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.adopt.test_exact import unstamped
from tests.schema.migrations.chain import BASELINE
from tripwire_db import migrations
from tripwire_db.errors import InvalidInput, Refused
from tripwire_db.schema.adopt import FIRST_REVISION, adopt, inspect
from tripwire_db.schema.course.sample_rows import STUDENTS

A, B = STUDENTS[:2]


@pytest.fixture
def by_hand(make_database: MakeDatabase) -> str:
    return unstamped(make_database(migrated=BASELINE))


def execute(url: str, sql: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        done = connection.execute(sql)
        return done.fetchall() if done.description else []


def test_times_without_a_zone_are_asked_for_read_in_it_and_kept_as_they_were(by_hand: str) -> None:
    execute(
        by_hand,
        "ALTER DATABASE " + psycopg.conninfo.conninfo_to_dict(by_hand)["dbname"] + " SET timezone = 'America/New_York';"
        "ALTER TABLE public.module_unlocks ALTER COLUMN unlocked_at TYPE timestamp USING '2026-01-02 10:00'",
    )

    asked = inspect(by_hand)

    assert len(asked.blockers) == 1
    assert "times of public.module_unlocks.unlocked_at" in asked.blockers[0]
    assert "--time-zone Asia/Almaty" in asked.blockers[0]
    with pytest.raises(Refused, match="--time-zone"):
        adopt(by_hand)
    with pytest.raises(InvalidInput, match="Asia/Nowhere"):
        inspect(by_hand, time_zone="Asia/Nowhere")
    told = inspect(by_hand, time_zone="Asia/Almaty")
    assert told.blockers == ()
    assert "are read in Asia/Almaty" in told.notes[0]

    adopt(by_hand, time_zone="Asia/Almaty")

    read = "SELECT bool_and(unlocked_at = '2026-01-02 05:00Z'), count(*) FROM public.module_unlocks"
    kept = "SELECT was FROM tripwire.quarantined_values WHERE column_name = 'unlocked_at'"
    [(right, count)] = execute(by_hand, read)
    assert right
    assert execute(by_hand, kept) == [("2026-01-02 10:00:00",)] * count
    migrations.upgrade(by_hand, quiet=True)


BAD_VALUES = {
    "a price with its currency": (
        "ALTER TABLE public.tripwire_users DROP CONSTRAINT tripwire_users_price_check;"
        "ALTER TABLE public.tripwire_users ALTER COLUMN price DROP DEFAULT, ALTER COLUMN price TYPE text;"
        f"UPDATE public.tripwire_users SET price = '5 000 ₸' WHERE user_id IN ('{A}', '{B}')",
        "2 values of public.tripwire_users.price",
        f"SELECT price = 5000 FROM public.tripwire_users WHERE user_id = '{A}'",
    ),
    "ids that count": (
        "ALTER TABLE public.student_progress DROP COLUMN id, ADD COLUMN id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "10 values of public.student_progress.id",
        "SELECT count(DISTINCT id) = 10 FROM public.student_progress",
    ),
    "an id that is none": (
        "ALTER TABLE public.tripwire_users DROP CONSTRAINT tripwire_users_granted_by_fkey;"
        "ALTER TABLE public.tripwire_users ALTER COLUMN granted_by TYPE text;"
        f"UPDATE public.tripwire_users SET granted_by = 'n/a' WHERE user_id = '{A}'",
        "1 values of public.tripwire_users.granted_by",
        f"SELECT granted_by IS NULL FROM public.tripwire_users WHERE user_id = '{A}'",
    ),
}


@pytest.mark.parametrize("name", BAD_VALUES)
def test_values_that_cannot_be_cast_are_counted_never_shown_and_the_way_out_works(by_hand: str, name: str) -> None:
    damage, told, after = BAD_VALUES[name]
    execute(by_hand, damage)

    [blocker] = inspect(by_hand).blockers

    assert blocker.startswith(told)
    assert not [value for value in ("5 000", "₸", "n/a") if value in blocker]
    with pytest.raises(Refused, match=re.escape(told)):
        adopt(by_hand)
    execute(by_hand, blocker[blocker.index("ALTER TABLE") :])
    assert inspect(by_hand).blockers == ()
    assert adopt(by_hand).applied
    assert execute(by_hand, after) == [(True,)]
    migrations.upgrade(by_hand, quiet=True)


def test_rounded_values_are_told_and_kept(by_hand: str) -> None:
    execute(
        by_hand,
        "ALTER TABLE public.video_tracking ALTER COLUMN last_position_seconds TYPE numeric;"
        f"UPDATE public.video_tracking SET last_position_seconds = 16.4 WHERE user_id = '{A}'",
    )
    changed = execute(by_hand, "SELECT count(*) FROM public.video_tracking WHERE last_position_seconds = 16.4")[0][0]

    assert f"{changed} values of public.video_tracking.last_position_seconds are rounded" in inspect(by_hand).notes[0]
    adopt(by_hand)

    kept = "SELECT was, became FROM tripwire.quarantined_values WHERE column_name = 'last_position_seconds'"
    assert execute(by_hand, kept) == [("16.4", "16")] * changed


REFUSED = {
    "a view of a column that changes": (
        "ALTER TABLE public.tripwire_users ALTER COLUMN price TYPE integer;"
        "CREATE VIEW public.takings AS SELECT sum(price) FROM public.tripwire_users",
        "view public.takings depends on public.tripwire_users.price",
        "DROP VIEW public.takings",
    ),
    "a generated column that is made of one": (
        "ALTER TABLE public.tripwire_users ALTER COLUMN price TYPE integer,"
        "ADD COLUMN twice integer GENERATED ALWAYS AS (price * 2) STORED",
        "generated column public.tripwire_users.twice depends on public.tripwire_users.price",
        "ALTER TABLE public.tripwire_users DROP COLUMN twice",
    ),
    "a rule that rewrites statements": (
        "CREATE RULE keep AS ON DELETE TO public.student_progress DO INSTEAD NOTHING",
        "the rule keep on public.student_progress",
        "DROP RULE keep ON public.student_progress",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_stop_or_bend_the_statements_is_refused_by_name(by_hand: str, name: str) -> None:
    damage, told, way_out = REFUSED[name]
    execute(by_hand, damage)

    [blocker] = inspect(by_hand).blockers

    assert blocker.startswith(told)
    with pytest.raises(Refused, match=re.escape(told)):
        adopt(by_hand)
    execute(by_hand, way_out)
    assert adopt(by_hand).revision == FIRST_REVISION


def test_names_with_points_unlogged_tables_and_collations_are_handled_and_told(by_hand: str) -> None:
    execute(
        by_hand,
        "ALTER TABLE public.tripwire_users ADD CONSTRAINT \"chk.status\" CHECK (status <> 'gone'),"
        'ALTER COLUMN full_name TYPE text COLLATE "C";'
        "ALTER TABLE public.user_statistics SET UNLOGGED",
    )

    done = {(difference.name, difference.action) for difference in inspect(by_hand).differences}

    assert ("public.user_statistics", "was UNLOGGED, so that a crash would empty it; is logged") in done
    assert any(name.endswith("full_name") and "loses the collation" in action for name, action in done)
    assert ("public.tripwire_users.chk.status", "makes room for tripwire_users_status_check") in done
    adopt(by_hand)
    assert execute(by_hand, "SELECT relpersistence FROM pg_class WHERE oid = 'public.user_statistics'::regclass") == [
        ("p",)
    ]
    migrations.upgrade(by_hand, quiet=True)


def test_a_trigger_on_auth_users_and_odd_durations_are_told(by_hand: str) -> None:
    execute(
        by_hand,
        "CREATE FUNCTION public.handle_new_user() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER on_auth_user_created AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.handle_new_user();"
        "UPDATE public.video_tracking SET video_duration_seconds = 1214 WHERE lesson_id = 67",
    )

    notes = inspect(by_hand).notes

    assert "the trigger auth.users.on_auth_user_created runs beside every new person" in notes[0]
    assert "lesson 67 lasts 1800 s after the upgrade" in notes[1]
    assert "most with 1214 s" in notes[1]
    assert len(notes) == 2
    adopt(by_hand)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        from tripwire_db.schema.runner.report import Report

        patch.setattr(Report, "notice", lambda _self, notice: said.append(notice.message_primary))
        migrations.upgrade(by_hand, quiet=True)
    assert [line for line in said if "Lesson 67 lasts 1800 s" in line and "most with 1214 s" in line]
