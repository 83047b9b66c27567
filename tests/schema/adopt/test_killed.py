"""Adopting happens or it does not: killed in the middle, two at once, beside traffic, or with something in its way."""

import subprocess
import sys
import threading

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.adopt.test_exact import unstamped
from tests.schema.adopt.test_variants import remember
from tests.schema.migrations.chain import BASELINE
from tripwire_db import migrations
from tripwire_db.errors import Refused, Unavailable
from tripwire_db.schema.adopt import FIRST_REVISION, adopt, inspect
from tripwire_db.schema.adopt.adoption import _v2
from tripwire_db.schema.check.dump import difference, dump
from tripwire_db.schema.course.sample_rows import STUDENTS

DAMAGED = f"""
ALTER TABLE public.tripwire_users DROP COLUMN price, ALTER COLUMN user_id DROP NOT NULL;
UPDATE public.tripwire_users SET user_id = NULL, email = 'ghost@mail.kz' WHERE user_id = '{STUDENTS[0]}';
"""


@pytest.fixture
def by_hand(make_database: MakeDatabase) -> str:
    url = unstamped(make_database(migrated=BASELINE))
    with psycopg.connect(url) as connection:
        connection.execute(DAMAGED)
    return url


def start(url: str) -> subprocess.Popen[str]:
    code = "import sys; from tripwire_db.schema.adopt import adopt; adopt(sys.argv[1])"
    return subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE, text=True)


def wait_for_adopter(url: str, waiting_for: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(3000):
            row = connection.execute(
                "SELECT FROM pg_stat_activity WHERE application_name LIKE 'tripwire-db adopt%%' AND datname = current_database() "
                "AND wait_event_type = 'Lock' AND query LIKE %s",
                [f"%{waiting_for}%"],
            ).fetchone()
            if row is not None:
                return
            connection.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("the adopter never waited")


def test_killed_while_it_waits_nothing_has_happened_and_the_next_finishes_it(by_hand: str) -> None:
    before, rows = dump(by_hand), remember(by_hand)
    with psycopg.connect(by_hand) as blocker:
        blocker.execute("SELECT FROM public.user_statistics")
        process = start(by_hand)
        wait_for_adopter(by_hand, "LOCK TABLE")
        process.kill()
        process.communicate(timeout=30)

    assert difference(before, dump(by_hand)) == ""
    assert remember(by_hand) == rows
    assert adopt(by_hand).applied
    assert migrations.current(by_hand) == FIRST_REVISION


@pytest.mark.plain_server
def test_killed_in_the_middle_of_its_statements_nothing_has_happened(by_hand: str) -> None:
    # An event trigger holds it up where rows have been moved already, and its views go.
    with psycopg.connect(by_hand, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION public.trapped() RETURNS event_trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF tg_tag = 'DROP VIEW' THEN PERFORM pg_advisory_xact_lock(1); END IF; END $$;"
            "CREATE EVENT TRIGGER trapped ON ddl_command_end EXECUTE FUNCTION public.trapped()"
        )
    before, rows = dump(by_hand), remember(by_hand)
    with psycopg.connect(by_hand) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(1)")
        process = start(by_hand)
        wait_for_adopter(by_hand, "DROP VIEW")
        process.kill()
        process.communicate(timeout=30)
        holder.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE application_name LIKE 'tripwire-db adopt%' AND datname = current_database()"
        )

    assert difference(before, dump(by_hand)) == ""
    assert remember(by_hand) == rows
    with psycopg.connect(by_hand, autocommit=True) as connection:
        connection.execute("DROP EVENT TRIGGER trapped")
    assert adopt(by_hand).applied
    with psycopg.connect(by_hand) as connection:
        assert connection.execute("SELECT table_name, reason, row ->> 'email' FROM tripwire.quarantine").fetchall() == [
            ("tripwire_users", "no user_id, and no auth user with this e-mail is free", "ghost@mail.kz")
        ]


def test_killed_before_the_stamp_the_next_call_stamps(by_hand: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tripwire_db.schema.adopt import adoption

    with monkeypatch.context() as patch:
        patch.setattr(adoption.command, "stamp", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            adopt(by_hand)
    assert migrations.current(by_hand) is None
    rows = remember(by_hand)

    report = adopt(by_hand)

    assert (report.differences, report.quarantined, report.revision) == ((), (), FIRST_REVISION)
    assert remember(by_hand) == rows
    migrations.upgrade(by_hand, quiet=True)


def test_two_at_once_adopt_it_once(by_hand: str) -> None:
    reports: list[bool] = []
    threads = [threading.Thread(target=lambda: reports.append(adopt(by_hand).applied)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert True in reports
    assert len(reports) == 2
    with psycopg.connect(by_hand) as connection:
        assert connection.execute("SELECT count(*) FROM tripwire.quarantine").fetchone() == (1,)


def test_rows_of_other_tables_that_refer_to_the_condemned_stop_it(by_hand: str) -> None:
    with psycopg.connect(by_hand) as connection:
        connection.execute(
            "CREATE TABLE public.notes (student uuid REFERENCES public.tripwire_users (id) ON DELETE CASCADE);"
            "INSERT INTO public.notes SELECT id FROM public.tripwire_users WHERE user_id IS NULL"
        )
    assert "1 rows of public.notes refer by notes_student_fkey" in inspect(by_hand).blockers[0]

    with pytest.raises(Refused, match=r"nothing was changed: 1 rows of public\.notes"):
        adopt(by_hand)

    assert migrations.current(by_hand) is None


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ("CREATE TABLE public.lessons (id int)", r"table public\.lessons is there"),
        ("ALTER TABLE public.video_tracking ADD COLUMN counted_ms int", r"column public\.video_tracking\.counted_ms"),
    ],
)
def test_a_name_that_the_upgrade_needs_must_be_free_first(by_hand: str, taken: str, said: str) -> None:
    with psycopg.connect(by_hand) as connection:
        connection.execute(taken)

    with pytest.raises(Refused, match=said):
        adopt(by_hand)


def test_damage_in_thousands_of_rows_is_mended_in_one_stall_that_has_an_end(by_hand: str) -> None:
    """With a question that compares each row with each other one, the second call would end as the first does."""
    with psycopg.connect(by_hand, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO auth.users (id, email)
            SELECT md5(i::text)::uuid, 'p' || i || '@mail.kz' FROM generate_series(1, 10000) AS i;
            INSERT INTO public.tripwire_users (email, full_name)
            SELECT 'P' || i || '@Mail.kz', 'N' || i FROM generate_series(1, 10000) AS i;
            INSERT INTO public.video_tracking (user_id, lesson_id, watched_segments)
            SELECT md5(i::text)::uuid, 67, '"[0, 1"' FROM generate_series(1, 10000) AS i;
            """
        )

    with pytest.raises(Unavailable, match=r"longer than 0\.05 s; nothing was changed.*--max-stall"):
        adopt(by_hand, max_stall=0.05)
    assert inspect(by_hand).revision is None
    adopt(by_hand)

    with psycopg.connect(by_hand) as connection:
        row = connection.execute("SELECT count(*) FROM public.tripwire_users WHERE email LIKE 'P%' AND user_id IS NULL")
        assert row.fetchone() == (0,)
        row = connection.execute("SELECT count(*) FROM tripwire.quarantine WHERE table_name = 'video_tracking'")
        assert row.fetchone() == (10_000,)


def test_a_database_that_ends_idle_sessions_is_adopted_all_the_same(by_hand: str) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(by_hand)["dbname"])
    with psycopg.connect(by_hand, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET idle_session_timeout = '300ms'")
        connection.execute(f"ALTER DATABASE {name} SET client_encoding = 'LATIN1'")
    _v2.cache_clear()  # so that the sessions stand idle while the scratch server starts

    assert adopt(by_hand).applied
