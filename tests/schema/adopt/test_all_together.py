"""Ten thousand students with everything wrong at once: adopted, upgraded, mended, and at work."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.adopt.test_variants import assert_every_row_is_somewhere, remember
from tests.schema.migrations.chain import BASELINE
from tests.schema.migrations.damage import MANAGERS, STUDENTS, damage
from tests.support.auth import auth_for
from tripwire_db import TripwireRepository, migrations
from tripwire_db.schema.adopt import adopt, inspect
from tripwire_db.schema.doctor import State, examine, mend
from tripwire_db.schema.drift import find_drift

ON_TOP = """
DROP TABLE tripwire.alembic_version; DROP SCHEMA tripwire; DROP SCHEMA before CASCADE;
ALTER TABLE public.tripwire_users
    DROP CONSTRAINT tripwire_users_status_check,
    DROP CONSTRAINT tripwire_users_user_id_fkey,
    DROP CONSTRAINT tripwire_users_granted_by_fkey,
    ALTER COLUMN user_id DROP NOT NULL,
    ADD COLUMN generated_password text DEFAULT 'hunter2',
    ADD COLUMN phone text;
ALTER TABLE public.user_achievements DROP CONSTRAINT user_achievements_user_id_fkey;
ALTER TABLE public.sales_activity_log DROP CONSTRAINT sales_activity_log_target_user_id_fkey;
DROP INDEX public.idx_sales_activity_details;
DROP FUNCTION public.rpc_get_sales_leaderboard(integer);
DROP TRIGGER update_tripwire_users_updated_at ON public.tripwire_users;
CREATE TABLE public.tripwire_progress AS SELECT user_id, 1 AS step FROM public.tripwire_users;

CREATE TEMPORARY TABLE numbered AS SELECT id, user_id, email, row_number() OVER (ORDER BY email, id) AS n FROM public.tripwire_users;
UPDATE public.tripwire_users t SET status = 'blocked' FROM numbered x WHERE x.id = t.id AND x.n % 50 = 1;
UPDATE public.tripwire_users t SET user_id = NULL FROM numbered x WHERE x.id = t.id AND x.n % 20 = 2;
UPDATE public.tripwire_users t SET granted_by = gen_random_uuid() FROM numbered x WHERE x.id = t.id AND x.n % 100 = 3;
UPDATE public.tripwire_users t SET status = 'asleep' FROM numbered x WHERE x.id = t.id AND x.n % 1000 = 4;
INSERT INTO public.tripwire_users (user_id, email, full_name) SELECT NULL, 'ghost' || n || '@mail.kz', 'Ghost' FROM generate_series(1, 30) AS n;
INSERT INTO public.tripwire_users (user_id, email, full_name) SELECT NULL, upper(email), 'Twice' FROM numbered WHERE n % 500 = 5;
INSERT INTO public.user_achievements (user_id, achievement_id) SELECT gen_random_uuid(), 'tripwire_graduate' FROM generate_series(1, 40);
UPDATE public.video_tracking v SET watched_segments = '"nonsense"' FROM numbered x WHERE x.user_id = v.user_id AND x.n % 400 = 6;
UPDATE public.student_progress p SET module_id = 18 FROM numbered x WHERE x.user_id = p.user_id AND x.n % 400 = 7 AND p.lesson_id = 67;
"""


@pytest.mark.heavy
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("server", [15, 18])
def test_ten_thousand_students_with_everything_wrong_are_brought_in(make_database: MakeDatabase, server: int) -> None:
    url = make_database(migrated=BASELINE, server=server)
    with psycopg.connect(url) as connection:
        damage(connection)
        connection.execute(ON_TOP)
        # What the layout cannot hold stops nobody here.
        connection.execute(
            "UPDATE public.student_progress SET completed_at = NULL WHERE status IS DISTINCT FROM 'completed'"
        )
    before = remember(url)

    began = time.monotonic()
    report = inspect(url)
    reported = time.monotonic()
    done = adopt(url)
    adopted = time.monotonic()
    assert_every_row_is_somewhere(url, before)
    migrations.upgrade(url, quiet=True)
    upgraded = time.monotonic()
    assert_every_row_is_somewhere(url, {t: rows for t, rows in before.items() if t != "users"})
    findings = examine(url)
    examined = time.monotonic()
    results = mend(url, findings)
    mended = time.monotonic()
    print(
        f"\n{STUDENTS} students: report {reported - began:.1f} s, adopt {adopted - reported:.1f} s, upgrade "
        f"{upgraded - adopted:.1f} s, doctor {examined - upgraded:.1f} s, --fix {mended - examined:.1f} s "
        f"({len(findings)} findings), {len(done.quarantined)} rows in quarantine"
    )

    assert done.quarantined == report.quarantined
    assert report.secrets == ("public.tripwire_users.generated_password",)
    assert {result.state for result in results} <= {State.MENDED, State.NEEDS_A_PERSON}
    assert [finding for finding in examine(url) if finding.mendable] == []
    assert [str(finding.name) for finding in find_drift(url).findings] == []
    with psycopg.connect(url) as connection:
        blocked, phones = connection.execute(
            "SELECT count(*) FILTER (WHERE status = 'blocked'), count(*) FILTER (WHERE generated_password = 'hunter2') "
            "FROM public.tripwire_users"
        ).fetchone()
        seller = connection.execute(
            "SELECT id FROM public.users WHERE role = 'sales_manager' ORDER BY email LIMIT 1"
        ).fetchone()[0]
    assert blocked > 150
    assert phones > STUDENTS - 100
    with auth_for(url) as auth, TripwireRepository.connect(url, auth=auth) as repository:

        def create(number: int) -> bool:
            return repository.create_tripwire_user(
                email=f"fresh{number}@mail.kz", full_name="Fresh", manager_id=seller
            ).created

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(create, range(40)))
        assert len(repository.get_sales_leaderboard(limit=100)) >= MANAGERS - 2
    assert [finding for finding in examine(url) if finding.mendable] == []
