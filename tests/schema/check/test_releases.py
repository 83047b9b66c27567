"""Rolling deploys: what a release says to the database is tried after each newer revision, and the package's own at the head."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.schema.check.chain import judge, make
from tests.schema.check.planted import BASE, Planted, write
from tripwire_db import migrations
from tripwire_db.auth import postgres
from tripwire_db.engine.statement import statements_in
from tripwire_db.errors import InvalidInput
from tripwire_db.flows import statements
from tripwire_db.schema.check import RULES, Report, check
from tripwire_db.schema.check.formats import render
from tripwire_db.schema.course.scenes import scenes
from tripwire_db.schema.project import COURSE
from tripwire_db.schema.releases import Call, Release, Scene, Statement, order_of, read_releases, write_release
from tripwire_db.schema.releases.freeze import freeze

ADD_TOWN = Statement(
    "add_town", "shop/towns.py:7", "INSERT INTO public.towns (id, name) VALUES ($1::int, $2::text) RETURNING id"
)
FIND_TOWN = Statement("find_town", "shop/towns.py:19", "SELECT id, name FROM public.towns WHERE id = $1::int")
QUICK = replace(COURSE, rules_off=frozenset(RULES) - {"breaks-release", "statements"})
# A column renamed, a NOT NULL without default, a function dropped, a signature changed; the statement that each breaks.
PLANTED = (
    (
        "ALTER TABLE public.certificates ADD COLUMN grade int DEFAULT 5 NOT NULL",
        "ALTER TABLE public.certificates ALTER COLUMN grade DROP DEFAULT",
        "complete_lesson (tripwire_db/flows/complete_lesson.py:",
    ),
    (
        "DROP FUNCTION public.rpc_check_video_qualification(uuid, int)",
        "",
        "check_video_qualification (tripwire_db/flows/sales.py:",
    ),
    (
        "DROP FUNCTION public.rpc_get_manager_stats(uuid, text, date, date)",
        "CREATE FUNCTION public.rpc_get_manager_stats(seller uuid) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1'",
        "get_manager_stats (tripwire_db/flows/sales.py:",
    ),
    (
        "ALTER TABLE public.user_statistics RENAME COLUMN total_time_spent TO seconds",
        "",
        "update_video_tracking (tripwire_db/flows/update_video_tracking.py:",
    ),
)
TOWNS: Scene = (Call(ADD_TOWN, ("9", "Aktau")), Call(FIND_TOWN, ("9",)), Call(FIND_TOWN, ("1",)))

RENAME = Planted(
    "", "SELECT 1;\nALTER TABLE public.towns RENAME name TO title", "ALTER TABLE public.towns RENAME title TO name"
)
SHOUT = Planted(
    "",
    "UPDATE public.towns SET name = 'ALMATY' WHERE id = 1",
    "UPDATE public.towns SET name = 'Almaty' WHERE id = 1",
)


def own_scenes() -> list[Scene]:
    """What the small project says to its database: one statement for the newest layout, and one that is wrong."""
    newest = Statement("list_titles", "shop/towns.py:30", "SELECT title FROM public.towns")
    wrong = Statement("list_mayors", "shop/towns.py:40", "SELECT mayor FROM public.towns")
    return [(Call(newest, ()),), (Call(wrong, ()),)]


def breaks(report: Report) -> list[tuple[str, str]]:
    """Each finding of these rules: the line that is to blame, and the message."""
    return [
        (Path(one.file).read_text(encoding="utf-8").splitlines()[one.line - 1].strip(), one.message)
        for one in report.findings
        if one.rule in {"breaks-release", "statements"}
    ]


def test_what_breaks_a_release_or_the_package_itself_is_found_where_it_comes_from(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    make(folder, [SHOUT, RENAME])
    write_release(folder, Release("1.0.0", BASE, (TOWNS,)))

    report = judge(folder, scenes="tests.schema.check.test_releases:own_scenes")

    assert "rules checked, release 1.0.0 played, " in render(report, "text", RULES)
    assert breaks(report) == [
        (
            SHOUT.up,
            "release 1.0.0 find_town (shop/towns.py:19) answers otherwise: name was Almaty and is ALMATY",
        ),
        ("def upgrade() -> None:", 'list_mayors (shop/towns.py:40) fails: column "mayor" does not exist'),
        (
            "ALTER TABLE public.towns RENAME name TO title",
            'release 1.0.0 add_town (shop/towns.py:7) fails: column "name" of relation "towns" does not exist',
        ),
        (
            "ALTER TABLE public.towns RENAME name TO title",
            'release 1.0.0 find_town (shop/towns.py:19) fails: column "name" does not exist',
        ),
    ]
    assert [(note.revision, note.message) for note in report.notes if note.about == "deployment"] == [
        (
            "20260101000002",
            'list_titles of this package fails: column "title" does not exist, before it: '
            "deploy the application after the upgrade, not before",
        )
    ]


def test_a_break_that_is_declared_is_accepted_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    (path,) = make(folder, [RENAME])
    declared = 'BREAKS = {"1.0.0": "safe once no 1.0.0 runs any more", "9.9.9": "?"}'
    path.write_text(f"{path.read_text()}\n{declared}\n")
    write_release(folder, Release("1.0.0", BASE, (TOWNS,)))

    report = judge(folder)

    assert breaks(report) == [(declared, "BREAKS names release 9.9.9: there is none")]
    accepted = {reason for one, reason in report.accepted if one.rule == "breaks-release"}
    assert accepted == {"safe once no 1.0.0 runs any more"}


def test_a_file_that_is_no_release_or_whose_revision_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    make(folder, [])
    path = write_release(folder, Release("1.0.0", "20250101000000", ()))
    with pytest.raises(InvalidInput, match=r"release 1\.0\.0 stands on revision 20250101000000: it is not there"):
        judge(folder)

    path.write_text("{}")
    with pytest.raises(InvalidInput, match=r"1\.0\.0\.json is no file of a release"):
        judge(folder)


def test_versions_are_sorted_as_they_follow_each_other_and_a_release_is_read_as_it_was_written(tmp_path: Path) -> None:
    for version in ("1.0.0", "0.10.0", "1.0.0rc1", "0.9.0"):
        write_release(tmp_path, Release(version, BASE, (TOWNS,)))

    assert read_releases(tmp_path) == tuple(
        Release(version, BASE, (TOWNS,)) for version in ("0.9.0", "0.10.0", "1.0.0rc1", "1.0.0")
    )
    with pytest.raises(FileExistsError):
        write_release(tmp_path, Release("1.0.0", BASE, ()))
    with pytest.raises(InvalidInput, match="is no version"):
        order_of("1.0")


def test_the_scenes_of_the_course_send_every_statement_that_its_repository_sends() -> None:
    sent = {call.statement.name: call.statement.sql for scene in scenes() for call in scene}

    assert sent == {
        name: statement.prepared[0].decode() for name, statement in (statements() | statements_in(postgres)).items()
    }


@pytest.mark.heavy
def test_each_break_planted_in_the_course_is_found_with_release_method_file_and_line(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    shutil.copytree(migrations.script_location(), folder, ignore=shutil.ignore_patterns("__pycache__", "releases"))
    release = freeze(folder, COURSE, "1.0.0")
    write_release(folder, release)
    below = release.revision
    for number, (blamed, further, _statement) in enumerate(PLANTED, start=1):
        revision = f"209901010000{number:02}"
        write(folder, revision, below, Planted("", f"SELECT 1;\n{blamed};\n{further}"))
        below = revision

    report = check(folder, new_since=release.revision, project=QUICK)

    told = [(line.rstrip(";"), message) for line, message in breaks(report) if message.startswith("release")]
    missing = [
        (blamed, statement)
        for blamed, _further, statement in PLANTED
        if not any(line == blamed and f"release 1.0.0 {statement}" in message for line, message in told)
    ]
    assert missing == [], told
    assert {line for line, _message in told} == {blamed for blamed, _further, _statement in PLANTED}
    assert not [reason for reason in report.skipped if "1.0.0" in reason]
