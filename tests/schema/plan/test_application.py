"""`tripwire-db plan` tells whether the application of the last release goes on working."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.schema.plan.bad import plant, take_chain
from tripwire_db import migrations
from tripwire_db.cli.schema.plan import _show
from tripwire_db.schema.plan import Plan, PlannedRevision
from tripwire_db.schema.plan.application import last_release, try_application
from tripwire_db.schema.plan.html import as_html
from tripwire_db.schema.plan.markdown import as_markdown
from tripwire_db.schema.plan.route import find_route
from tripwire_db.schema.project import COURSE
from tripwire_db.schema.releases import Release, write_release
from tripwire_db.schema.releases.freeze import freeze

GONE = "get_student fails: column user_statistics.total_time_spent does not exist"
CHANGES = {
    "note": "ALTER TABLE public.users ADD COLUMN note text",
    "renamed": "ALTER TABLE public.user_statistics RENAME COLUMN total_time_spent TO seconds",
}


@pytest.mark.heavy
def test_each_revision_is_tried_with_the_statements_of_the_last_release_up_and_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "alembic"
    (head,) = migrations.heads()
    ids = plant(folder, CHANGES)
    release = replace(freeze(migrations.script_location(), COURSE, "1.0.0"), revision=head)
    write_release(folder, release)
    take_chain(folder, monkeypatch)

    up = try_application(find_route(head, "head"), release)
    down = try_application(find_route(head, "-1"), release)

    assert list(up.broken) == [ids["renamed"]]
    assert GONE in up.broken[ids["renamed"]]
    assert down.version == "1.0.0"
    assert last_release(head) == last_release(ids["note"]) == release
    assert last_release(migrations.revisions()[0]) is last_release(None) is None


def test_the_last_release_is_the_newest_whose_schema_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = migrations.revisions()
    plant(tmp_path / "alembic", {})
    take_chain(tmp_path / "alembic", monkeypatch)
    assert last_release(ids[-1]) is None
    for version, revision in (("1.0.0", ids[3]), ("1.1.0", ids[5])):
        write_release(tmp_path / "alembic", Release(version, revision, ()))

    found = [last_release(before) for before in (None, ids[2], ids[3], ids[4], ids[5], ids[-1])]

    assert [release and release.version for release in found] == [None, None, "1.0.0", "1.0.0", "1.1.0", "1.1.0"]


def test_a_break_is_told_in_every_format_and_without_a_release_nothing_is(
    empty_plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet, broken = (
        PlannedRevision(name, "A change", True, (), (), (), 0.1, 0.1, breaks)
        for name, breaks in (("20270101000001", ()), ("20270101000002", (GONE,)))
    )
    plan = replace(empty_plan, revisions=(quiet, broken), last_release="1.0.0")

    for shown in (_texts(plan, capsys), _texts(replace(plan, revisions=(quiet,)), capsys)):
        assert all("release 1.0.0" in text.lower() and "works" in text for text in shown)
    for text in _texts(plan, capsys):
        plain = text.replace("\\", "")
        assert f"breaks release 1.0.0: {GONE}" in " ".join(plain.split())
        assert "does not go on working: 20270101000002." in " ".join(plain.split())
    for text in _texts(replace(empty_plan, revisions=(quiet,)), capsys):
        assert "release" not in text.lower()


def _texts(plan: Plan, capsys: pytest.CaptureFixture[str]) -> tuple[str, ...]:
    _show(plan, 1.0, all_revisions=False)
    return capsys.readouterr().out, as_markdown(plan, 1.0), as_html(plan, 1.0)
