"""Each kind of damage, planted in a healthy database: found, shown, mended exactly so, healthy afterwards."""

import logging
from importlib import import_module

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.doctor.damage import COUNTERS, DAMAGE, FOR_A_PERSON, MISSING, email_of, plant, rows_of_others, told
from tests.schema.doctor.people import People, make_people, open_repository
from tripwire_db.schema.doctor import KINDS, State, examine, mend


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_shown_mended_and_nothing_else_is_touched(name: str, course: tuple[str, People]) -> None:
    url, people = course
    damage = DAMAGE[name]
    user = plant(url, damage, people)
    touched = (user, email_of(url, user), "dana@sales.kz")
    before = rows_of_others(url, *touched)

    findings = examine(url)

    # A kind may have a finding for each of several rows.
    assert sorted({f.kind for f in findings}) == sorted(set(damage.kinds))
    assert all(finding.mendable and finding.reason for finding in findings)
    assert rows_of_others(url, *touched) == before

    results = mend(url, findings)

    assert [(result.finding, result.state) for result in results] == [(f, State.MENDED) for f in findings]
    assert examine(url) == ()
    assert told(url, damage.after, user)
    assert rows_of_others(url, *touched) == before
    assert mend(url, examine(url)) == ()
    assert {result.state for result in mend(url, findings)} <= {State.CHANGED}


@pytest.mark.parametrize("name", FOR_A_PERSON)
def test_what_only_a_person_can_know_is_listed_with_advice_and_left(
    name: str, course: tuple[str, People], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        import_module(examine.__module__), "SETTLE_SECONDS", 0.2
    )  # nobody is in the middle of anything here
    url, people = course
    damage = FOR_A_PERSON[name]
    plant(url, damage, people)
    before = rows_of_others(url)

    findings = examine(url)

    assert sorted({f.kind for f in findings}) == sorted(set(damage.kinds))
    assert not any(finding.mendable for finding in findings)
    assert all(": " in finding.reason for finding in findings)
    assert {result.state for result in mend(url, findings)} == {State.NEEDS_A_PERSON}
    assert rows_of_others(url) == before


def test_every_kind_of_finding_is_planted_here() -> None:
    planted = {kind for damage in (*DAMAGE.values(), *FOR_A_PERSON.values()) for kind in damage.kinds}

    assert planted | {"invalid_index"} == {kind.name for kind in KINDS}


def test_all_damage_at_once_is_mended_in_one_go(database_url: str) -> None:
    damages = [damage for damage in DAMAGE.values() if "ALTER" not in damage.sql and "DROP" not in damage.sql]
    with open_repository(database_url) as repository:
        people = make_people(repository, 9 * len(damages))
    for number, damage in enumerate(damages):
        plant(database_url, damage, people, number)

    findings = examine(database_url)
    results = mend(database_url, findings)

    assert {finding.kind for finding in findings} == {kind for damage in damages for kind in damage.kinds}
    assert {result.state for result in results} == {State.MENDED}
    assert examine(database_url) == ()


def test_mending_is_logged_for_the_student_by_the_system_and_without_values(
    course: tuple[str, People], caplog: pytest.LogCaptureFixture
) -> None:
    url, people = course
    user = plant(url, MISSING["stuck before the next module, with nothing of it"], people)
    plant(url, COUNTERS["a counter of modules too high"], people)

    with caplog.at_level(logging.INFO, logger="tripwire_db.schema.doctor"):
        mend(url, examine(url))

    with psycopg.connect(url) as connection:
        logged = connection.execute(
            "SELECT manager_id, action_type, details ->> 'email', details ->> 'full_name', "
            "jsonb_path_query_array(details, '$.mended[*].kind') FROM public.sales_activity_log "
            "WHERE details ->> 'by' = 'doctor' ORDER BY action_type"
        ).fetchall()
    email, name = "student3@mail.kz", "Student 3"
    assert logged == [
        (None, "module_unlocked", email, name, ["unlock_missing"]),
        (None, "user_status_updated", email, name, ["progress_missing", "video_missing", "modules_completed"]),
    ]
    assert len(caplog.records) == 4
    assert all(str(user) in record.getMessage() and email not in record.getMessage() for record in caplog.records)


def test_what_has_changed_since_it_was_found_is_left_alone_and_said(course: tuple[str, People]) -> None:
    url, people = course
    damage = COUNTERS["a counter of modules too high"]
    user = plant(url, damage, people)
    findings = examine(url)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE public.tripwire_users SET modules_completed = 2 WHERE user_id = %s", [user])

    assert [result.state for result in mend(url, findings)] == [State.CHANGED]
    assert told(url, f"SELECT modules_completed = 2 FROM public.tripwire_users WHERE user_id = '{user}'", user)


@pytest.mark.plain_server
def test_an_invalid_index_is_built_again_and_one_that_cannot_be_is_left_with_the_reason(
    make_database: MakeDatabase, major: int
) -> None:
    url = make_database(server=major)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE INDEX CONCURRENTLY broken ON public.users (full_name)")
        connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.broken'::regclass")
        connection.execute(
            "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@b.kz'), (gen_random_uuid(), 'c@d.kz')"
        )
        connection.execute(
            "INSERT INTO public.users (id, email, full_name, role) SELECT id, email, 'Same', 'curator' FROM auth.users"
        )
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY hopeless ON public.users (full_name)")

    findings = examine(url)
    results = {str(result.finding.key["index"]): result for result in mend(url, findings)}

    assert results["public.broken"].state is State.MENDED
    assert results["public.hopeless"].state is State.FAILED
    assert "Same" not in results["public.hopeless"].note
    assert [finding.key for finding in examine(url)] == [{"index": "public.hopeless"}]
