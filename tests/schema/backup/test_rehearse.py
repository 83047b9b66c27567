"""The migration on the real rows, with nobody hurt."""

from pathlib import Path

import psycopg
import pytest
from alembic.util import CommandError

from tests.cli.conftest import run_command
from tests.conftest import MakeDatabase
from tests.schema.backup.people import all_rows, fill, run
from tests.schema.plan.bad import plant, take_chain
from tripwire_db import migrations
from tripwire_db.errors import InvalidInput
from tripwire_db.schema.backup import make_backup, rehearse
from tripwire_db.schema.course.many_rows import fill_v2

V2 = "20261101090000"
STUDENTS = 20


def test_rows_of_v2_go_up_and_down_and_are_accounted_for(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(migrated=V2)
    with psycopg.connect(url) as connection:
        fill_v2(connection, STUDENTS)
    before = all_rows(url)
    backup = make_backup(url, tmp_path / "course.tar", verify=False)

    done = rehearse(backup.file)

    pending = migrations.revisions()[1:]
    assert [step.revision for step in done.up] == list(pending)
    assert [step.revision for step in done.down] == list(reversed(pending))
    assert (done.manifest.revision, done.after) == (V2, pending[-1])
    assert (done.drift, done.problems) == ((), ())
    accounts = {one.table: one for one in done.tables}
    students, certificates = accounts["public.tripwire_users"], accounts["public.certificates"]
    assert (students.before, students.after, students.back, students.as_before) == (STUDENTS, STUDENTS, STUDENTS, False)
    assert accounts["public.module_unlocks"].as_before
    assert (certificates.before, certificates.after, certificates.back) == (None, STUDENTS // 10, None)
    assert done.losses["certificates"] == STUDENTS // 10
    assert all_rows(url) == before, "the real database was only read"


def test_rows_that_no_revision_can_mend_are_met_in_the_rehearsal(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(migrated=V2)
    with psycopg.connect(url) as connection:
        fill_v2(connection, 3)
    run(url, "UPDATE public.video_tracking SET watched_segments = '\"nonsense\"'")
    backup = make_backup(url, tmp_path / "course.tar", verify=False)

    with pytest.raises(CommandError, match="video_tracking"):
        rehearse(backup.file)
    with pytest.raises(InvalidInput, match="no revision"):
        rehearse(backup.file, "nonsense")


@pytest.mark.heavy
def test_rows_that_a_revision_loses_are_found(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database_url, 2)
    file = make_backup(database_url, tmp_path / "course.tar", verify=False).file
    sql = "DELETE FROM public.user_achievements WHERE achievement_id = 'tripwire_graduate'"
    plant(tmp_path / "alembic", {"tidy": sql})
    take_chain(tmp_path / "alembic", monkeypatch)

    ran = run_command("rehearse", file)

    assert ran.code == 1, ran.err
    assert "Problem: the upgrade loses 2 rows of public.user_achievements" in ran.out
    assert "Problem: the way back loses 2 rows of public.user_achievements, and declares no loss" in ran.out
