"""`tripwire-db check`: the project's own chain, what stops a chain, what is accepted, wrong use."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.schema.check.chain import judge, make
from tests.schema.check.planted import Planted, write
from tripwire_db import migrations
from tripwire_db.cli.app import app
from tripwire_db.errors import InvalidInput
from tripwire_db.schema.check import RULES, check
from tripwire_db.schema.statements import statements

REWRITE = Planted(
    "table-rewrite", "CLUSTER public.towns USING towns_pkey", "ALTER TABLE public.towns SET WITHOUT CLUSTER"
)


def test_the_projects_own_chain_has_no_finding_and_every_rule_was_asked() -> None:
    done = CliRunner().invoke(app, ["check", "--format", "json"])

    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["findings"] == []
    assert document["skipped"] == []
    assert set(document["rules"]) == set(RULES)


@pytest.mark.parametrize(
    ("rule", "statement", "line"),
    [
        ("transaction", "COMMIT AND CHAIN", "COMMIT AND CHAIN"),
        ("round-trip", "DO $$ BEGIN COMMIT; END $$", "DO $$ BEGIN COMMIT; END $$"),
        ("session-settings", "SET session_replication_role = replica", "SET session_replication_role = replica"),
        (
            "session-settings",
            "DO $$ BEGIN EXECUTE 'SET session_repli' || 'cation_role = replica'; END $$",
            "def upgrade() -> None:",
        ),
        ("lock-timeout", "DO $$ BEGIN EXECUTE 'SET LOCAL lock_' || 'timeout = 0'; END $$", "def upgrade() -> None:"),
    ],
)
def test_what_the_runner_refuses_is_found_by_its_rule(tmp_path: Path, rule: str, statement: str, line: str) -> None:
    (path,) = make(tmp_path / "alembic", [Planted(rule, statement)])

    report = judge(tmp_path / "alembic")

    assert [(one.rule, path.read_text().splitlines()[one.line - 1]) for one in report.findings] == [(rule, line)]


def test_old_findings_do_not_block_and_one_that_is_meant_is_accepted_with_its_reason(tmp_path: Path) -> None:
    older, newer = make(
        tmp_path / "alembic", [REWRITE, Planted("update-without-where", "UPDATE public.towns SET name = name")]
    )
    newer.write_text(newer.read_text() + '\nLINT = {"update-without-where": "there are two of them"}\n')

    report = judge(tmp_path / "alembic", new_since="20260101000001")

    assert report.findings == ()
    assert [(one.revision, one.rule, reason) for one, reason in report.accepted] == [
        ("20260101000002", "update-without-where", "there are two of them")
    ]
    assert older.exists()


def test_a_merge_and_its_branches_are_tried_each_by_itself(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    make(folder, [])
    left = Planted("", "CREATE SEQUENCE tripwire.on_the_left", "DROP SEQUENCE tripwire.on_the_left")
    write(folder, "20260101000001", "20260101000000", left)
    write(folder, "20260101000002", "20260101000000", REWRITE)
    merge = write(folder, "20260101000003", "", Planted(""), "Bring both together.")
    merge.write_text(
        merge.read_text().replace("down_revision = ''", "down_revision = ('20260101000001', '20260101000002')")
    )
    write(folder, "20260101000004", "20260101000003", Planted("round-trip", down="DROP TABLE public.events"))

    report = judge(folder)

    found = {(one.revision, one.rule) for one in report.findings}
    assert found == {("20260101000002", "table-rewrite"), ("20260101000004", "round-trip")}


def test_two_heads_a_bad_name_and_no_docstring_are_found_without_a_server(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    shutil.copytree(migrations.script_location(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    head = migrations.heads()[0]
    write(folder, "20270101000001", head, Planted(""))
    second = write(folder, "20270101000002", head, Planted(""))
    nameless = second.rename(second.with_name("whatever.py"))
    nameless.write_text(nameless.read_text().split("\n", 1)[1])

    report = check(folder)

    assert {finding.rule for finding in report.findings} == {"one-head", "name", "docstring"}


def test_an_unknown_revision_and_an_unknown_format_are_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no revision of the chain"):
        check(new_since="no-such-thing")
    assert CliRunner().invoke(app, ["check", "--format", "xml"]).exit_code == 2
    assert CliRunner().invoke(app, ["check", str(tmp_path)]).exit_code == 2


def test_statements_are_taken_apart_where_they_end() -> None:
    sql = "SELECT ';' /* ; */; -- ;\nDO $x$ BEGIN\n  DELETE FROM a; -- no; not here\nEND $x$;\nSELECT $$;$$, \"a;b\""

    found = [(statement.line, statement.sql, statement.inside) for statement in statements(sql)]

    assert [line for line, _, inside in found if not inside] == [1, 2, 5]
    assert [(line, text) for line, text, inside in found if inside] == [(3, "DELETE FROM a")]


def test_check_runs_as_a_command_in_a_folder_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from tripwire_db.cli import main; main()", "check", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert "--new-since" in done.stdout
