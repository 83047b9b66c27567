"""`tripwire-db drift`: each kind of change by hand is planted once and found; a clean database shows none."""

import json

import pytest
from typer.testing import CliRunner

from tests.conftest import MakeDatabase
from tests.schema.drift.planted import PLANTED, by_hand
from tripwire_db import migrations
from tripwire_db.cli.app import app
from tripwire_db.errors import Refused, Unavailable
from tripwire_db.schema.drift import find_drift


@pytest.mark.usefixtures("one_scratch")
@pytest.mark.parametrize("planted", PLANTED, ids=lambda name: name.replace(" ", "_"))
def test_a_change_by_hand_is_found(make_database: MakeDatabase, planted: str) -> None:
    sql, (change, kind, name) = PLANTED[planted]
    url = make_database()
    by_hand(url, sql)

    findings = find_drift(url).findings

    assert any(f.change == change and f.kind == kind and name in f.name for f in findings), findings


def test_a_clean_database_shows_none_on_every_version(make_database: MakeDatabase, major: int) -> None:
    found = find_drift(make_database(server=major))

    assert found.findings == ()
    assert found.notes == ()
    assert found.not_ours == ()


def test_a_pending_revision_is_no_drift(make_database: MakeDatabase) -> None:
    older = migrations.revisions()[-3]

    found = find_drift(make_database(migrated=older))

    assert (found.revision, found.findings) == (older, ())


@pytest.mark.usefixtures("one_scratch")
def test_a_function_that_fails_when_it_is_called_is_found(database_url: str) -> None:
    by_hand(database_url, "ALTER TABLE public.tripwire_user_profile RENAME COLUMN total_modules TO modules")

    failing = [finding.name for finding in find_drift(database_url).findings if finding.change == "fails"]

    assert any("rpc_get_sales_leaderboard" in name for name in failing)


@pytest.mark.usefixtures("one_scratch")
def test_what_is_not_ours_is_left_out_and_listed(database_url: str) -> None:
    by_hand(database_url, "CREATE TABLE public.tripwire_progress (id bigint); CREATE SCHEMA theirs")

    found = find_drift(database_url)

    assert found.findings == ()
    assert {str(key) for key in found.not_ours} >= {"table public.tripwire_progress"}


@pytest.mark.usefixtures("one_scratch")
def test_the_live_database_is_only_read(database_url: str) -> None:
    by_hand(
        database_url,
        "CREATE OR REPLACE FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer)"
        " RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT nextval('tripwire.certificate_number_seq') > 0 $$",
    )

    found = find_drift(database_url)

    assert any(f.change == "fails" and "read-only" in (f.differences[0].found or "") for f in found.findings)


@pytest.mark.usefixtures("one_scratch")
def test_the_command_prints_a_diff_json_and_exit_codes(database_url: str) -> None:
    run = CliRunner().invoke
    assert run(app, ["drift", "--database-url", database_url]).exit_code == 0

    by_hand(database_url, PLANTED["default changed"][0])
    text = run(app, ["drift", "--database-url", database_url])
    machine = run(app, ["drift", "--database-url", database_url, "--json"])

    assert (text.exit_code, machine.exit_code) == (1, 1)
    assert "default: expected 5000, found 0" in text.stdout
    (finding,) = json.loads(machine.stdout)["findings"]
    assert finding["differences"] == [{"attribute": "default", "expected": "5000", "found": "0"}]


def test_a_database_that_is_not_under_alembic_is_refused(empty_database_url: str) -> None:
    with pytest.raises(Refused, match="adopt"):
        find_drift(empty_database_url)


def test_a_server_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(Unavailable, match="could not be reached: no server is there") as failed:
        find_drift("postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(failed.value)
