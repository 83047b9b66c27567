"""The doctor at the first revision, where modules, lessons and certificates are not yet there, and rules may be missing."""

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.doctor.damage import rows_of_others
from tests.schema.migrations.chain import BASELINE
from tripwire_db import migrations
from tripwire_db.schema.course.sample_rows import MANAGERS, STUDENTS, fill_v2
from tripwire_db.schema.doctor import State, examine, mend

A = STUDENTS[0]

# name: the damage, the kinds of findings, what must be true afterwards
DAMAGE = {
    "a NULL e-mail": (
        "ALTER TABLE public.tripwire_users ALTER COLUMN email DROP NOT NULL;"
        f"UPDATE public.tripwire_users SET email = NULL WHERE user_id = '{A}'",
        {"email"},
        f"SELECT email = 'student1@mail.kz' FROM public.tripwire_users WHERE user_id = '{A}'",
    ),
    "mixed-case e-mails": (
        f"UPDATE public.users SET email = 'Student1@Mail.kz' WHERE id = '{A}'",
        {"email"},
        f"SELECT email = 'student1@mail.kz' FROM public.users WHERE id = '{A}'",
    ),
    "no user_id": (
        "ALTER TABLE public.tripwire_users ALTER COLUMN user_id DROP NOT NULL;"
        f"UPDATE public.tripwire_users SET user_id = NULL WHERE user_id = '{A}'",
        {"auth_user_missing"},
        f"SELECT email = 'student1@mail.kz' FROM public.tripwire_users WHERE user_id = '{A}'",
    ),
    "a dashboard that shows 0/3": (
        f"UPDATE public.tripwire_users SET modules_completed = NULL WHERE user_id = '{A}';"
        f"UPDATE public.tripwire_user_profile SET modules_completed = 0, completion_percentage = NULL WHERE user_id = '{A}'",
        {"modules_completed", "profile"},
        f"SELECT modules_completed = 1 FROM public.tripwire_users WHERE user_id = '{A}'",
    ),
    "a module counted twice": (
        f"UPDATE public.tripwire_users SET modules_completed = 2 WHERE user_id = '{A}';"
        f"UPDATE public.user_statistics SET lessons_completed = 2 WHERE user_id = '{A}'",
        {"modules_completed", "statistics"},
        f"SELECT modules_completed = 1 FROM public.tripwire_users WHERE user_id = '{A}'",
    ),
    "no profile, no statistics, no unlocks": (
        f"DELETE FROM public.tripwire_user_profile WHERE user_id = '{A}';"
        f"DELETE FROM public.user_statistics WHERE user_id = '{A}';"
        f"DELETE FROM public.module_unlocks WHERE user_id = '{A}'",
        {"profile_missing", "statistics_missing", "unlock_missing"},
        f"SELECT count(*) = 2 FROM public.module_unlocks WHERE user_id = '{A}'",
    ),
    "a JSON string": (
        f"UPDATE public.video_tracking SET watched_segments = to_jsonb(watched_segments::text) WHERE user_id = '{A}'",
        {"segments"},
        f"SELECT bool_and(jsonb_typeof(watched_segments) = 'array') FROM public.video_tracking WHERE user_id = '{A}'",
    ),
    "qualified but held": (
        f"UPDATE public.video_tracking SET is_qualified_for_completion = NULL WHERE user_id = '{A}' AND lesson_id = 67",
        {"held_back"},
        f"SELECT is_qualified_for_completion FROM public.video_tracking WHERE user_id = '{A}' AND lesson_id = 67",
    ),
    "a flag without a certificate": (
        f"UPDATE public.tripwire_user_profile SET certificate_issued = true WHERE user_id = '{A}'",
        {"certificate_in_profile"},
        f"SELECT NOT certificate_issued FROM public.tripwire_user_profile WHERE user_id = '{A}'",
    ),
    "a seller without a users row": (
        f"DELETE FROM public.users WHERE id = '{MANAGERS[0]}'",
        {"user_missing"},
        f"SELECT role = 'sales_manager' FROM public.users WHERE id = '{MANAGERS[0]}'",
    ),
    "an INVALID index": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.idx_users_role'::regclass",
        {"invalid_index"},
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.idx_users_role'::regclass",
    ),
}


@pytest.fixture
def v2(make_database: MakeDatabase) -> str:
    url = make_database(migrated=BASELINE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
    return url


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.plain_server if "INVALID" in name else ()) for name in DAMAGE]
)
def test_damage_is_found_and_mended_before_any_upgrade(name: str, v2: str) -> None:
    damage, kinds, after = DAMAGE[name]
    touched = (A, "tudent1@", MANAGERS[0])
    with psycopg.connect(v2) as connection:
        connection.execute(damage)
    before = rows_of_others(v2, *touched)

    findings = examine(v2)

    assert {finding.kind for finding in findings} == kinds
    assert {result.state for result in mend(v2, findings)} == {State.MENDED}
    assert examine(v2) == ()
    assert rows_of_others(v2, *touched) == before
    with psycopg.connect(v2) as connection:
        assert connection.execute(after).fetchone() == (True,)
    migrations.upgrade(v2, quiet=True)
    assert examine(v2) == ()


def test_a_graduate_of_v2_gets_the_certificate_after_the_upgrade(v2: str) -> None:
    with psycopg.connect(v2) as connection:
        connection.execute(
            f"""
            UPDATE public.student_progress SET status = 'completed', completed_at = now() WHERE user_id = '{A}';
            INSERT INTO public.student_progress (user_id, module_id, lesson_id, status, completed_at)
            VALUES ('{A}', 18, 69, 'completed', now())
            """
        )

    findings = {finding.kind: finding for finding in examine(v2)}

    assert findings["certificate_missing"].wanted is None
    assert "upgrade first" in findings["certificate_missing"].reason
    mend(v2, findings.values())
    migrations.upgrade(v2, quiet=True)
    assert {result.state for result in mend(v2, examine(v2))} == {State.MENDED}
    assert examine(v2) == ()
    with psycopg.connect(v2) as connection:
        assert connection.execute(
            f"SELECT certificate_issued FROM public.tripwire_user_profile WHERE user_id = '{A}'"
        ).fetchone() == (True,)
