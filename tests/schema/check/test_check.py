"""`tripwire-db check`: each rule is broken once, by a revision planted after the head, and found in its file and line."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from tripwire_db import migrations
from tripwire_db.cli.app import app
from tripwire_db.errors import InvalidInput
from tripwire_db.schema.check import RULES, Report, check, render
from tripwire_db.schema.statements import statements


@dataclass(frozen=True)
class Bad:
    """A revision that breaks one rule: what it does, how it goes back, and the line that is to blame."""

    rule: str
    up: str
    down: str
    line: str = ""
    where: str = "up"

    @property
    def blamed(self) -> str:
        return self.line or (self.up if self.where == "up" else self.down).strip().splitlines()[0].rstrip(";")


BAD = (
    Bad("grant-to-anon", "GRANT SELECT ON public.lessons TO anon", "REVOKE SELECT ON public.lessons FROM anon"),
    Bad(
        "grant-to-anon",
        "DO $$ BEGIN EXECUTE 'GRANT SELECT ON public.modu' || 'les TO PUBLIC'; END $$",
        "REVOKE SELECT ON public.modules FROM PUBLIC",
        line="modules FROM PUBLIC",  # nothing else in the file names what was put together at run time
    ),
    Bad(
        "definer-without-search-path",
        "CREATE FUNCTION tripwire.loose() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';\n"
        "REVOKE EXECUTE ON FUNCTION tripwire.loose() FROM PUBLIC",
        "DROP FUNCTION tripwire.loose()",
    ),
    Bad(
        "definer-in-public",
        "CREATE FUNCTION public.mighty() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1';\n"
        "REVOKE EXECUTE ON FUNCTION public.mighty() FROM PUBLIC",
        "DROP FUNCTION public.mighty()",
    ),
    Bad("update-without-where", "UPDATE public.lessons\nSET title = title", "SELECT 1", line="UPDATE public.lessons"),
    Bad("delete-without-where", "DELETE FROM public.certificates", "SELECT 1"),
    Bad(
        "delete-without-where",
        "DO $$ BEGIN IF false THEN\nDELETE FROM public.lessons;\nEND IF; END $$",
        "SELECT 1",
        line="DELETE FROM public.lessons",
    ),
    Bad(
        "table-without-rls",
        "CREATE TABLE public.naked (id bigint PRIMARY KEY)",
        "DROP TABLE public.naked",
    ),
    Bad("lock-timeout", "SET LOCAL lock_timeout = 0", "SELECT 1"),
    Bad("lock-timeout", "SET statement_timeout = '5s'", "SELECT 1"),
    Bad("index-not-concurrently", "CREATE INDEX idx_slow ON public.users (full_name)", "DROP INDEX public.idx_slow"),
    Bad(
        "undeclared-loss",
        "ALTER TABLE public.lessons ADD COLUMN teacher text",
        "ALTER TABLE public.lessons DROP COLUMN teacher",
    ),
    Bad(
        "round-trip",
        "ALTER TABLE public.lessons ALTER COLUMN duration_seconds SET DEFAULT 1700",
        "SELECT 1",
        line="def downgrade() -> None:",
    ),
    Bad(
        "squawk:ban-drop-column",
        "ALTER TABLE public.users DROP COLUMN telegram_chat_id",
        "ALTER TABLE public.users ADD COLUMN telegram_chat_id bigint",
    ),
)

TEMPLATE = '''"""{why}"""

from revision_tools import execute

revision = "{revision}"
down_revision = "{down}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute(
        """
{up}
        """
    )


def downgrade() -> None:
    execute(
        """
{down_sql}
        """
    )
'''


def plant(folder: Path, number: int, bad: Bad, below: str) -> tuple[str, Path]:
    revision = f"20270101{number:06}"
    path = folder / "versions" / f"{revision}_bad_{number}.py"
    path.write_text(
        TEMPLATE.format(why=f"Break {bad.rule}.", revision=revision, down=below, up=bad.up, down_sql=bad.down)
    )
    return revision, path


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, dict[Path, Bad]]:
    """One check of a copy of the chain with every bad revision on top."""
    folder = tmp_path_factory.mktemp("planted") / "alembic"
    shutil.copytree(migrations.script_location(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    below = migrations.heads()[0]
    paths: dict[Path, Bad] = {}
    for number, bad in enumerate(BAD, start=1):
        below, path = plant(folder, number, bad, below)
        paths[path] = bad
    return check(folder), paths


@pytest.mark.parametrize("number", range(len(BAD)), ids=[f"{n}-{bad.rule}" for n, bad in enumerate(BAD)])
def test_a_planted_revision_is_found_in_its_file_and_line(planted: tuple[Report, dict[Path, Bad]], number: int) -> None:
    report, paths = planted
    path, bad = list(paths.items())[number]

    found = [finding for finding in report.findings if finding.file == str(path) and finding.rule == bad.rule]

    assert found, [finding for finding in report.findings if finding.file == str(path)]
    line = path.read_text().splitlines()[found[0].line - 1]
    assert bad.blamed.split("\n")[0][:40] in line


def test_what_was_there_before_is_not_blamed(planted: tuple[Report, dict[Path, Bad]]) -> None:
    report, paths = planted

    assert {finding.file for finding in report.findings} <= {str(path) for path in paths}


def test_the_models_are_held_against_the_head(planted: tuple[Report, dict[Path, Bad]]) -> None:
    report, _ = planted
    models = [finding.message for finding in report.findings if finding.rule == "models"]

    assert any("column public.lessons.teacher is made by the chain" in message for message in models)
    assert any("telegram_chat_id is in the models" in message for message in models)


def test_access_and_api_are_told_by_revision(planted: tuple[Report, dict[Path, Bad]]) -> None:
    report, _ = planted
    told = {note.message for note in report.notes if note.revision.startswith("2027")}

    assert "anon gains SELECT on public.lessons" in told
    assert "public gains SELECT on public.modules" in told
    assert "table public.naked is added" in told
    assert "column public.lessons.teacher is added" in told
    assert "column public.users.telegram_chat_id is removed" in told


def test_each_format_carries_every_finding(planted: tuple[Report, dict[Path, Bad]]) -> None:
    report, _ = planted
    count = len(report.findings)

    assert render(report, "text", RULES).count("\n/") >= count - 1
    assert len(json.loads(render(report, "json", RULES))["findings"]) == count
    assert render(report, "github", RULES).count("::error file=") == count
    suite = ET.fromstring(render(report, "junit", RULES))  # noqa: S314 - written by us, a line above
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert failed == {finding.rule for finding in report.findings if finding.rule in RULES} | (
        failed - {finding.rule for finding in report.findings}
    )
    sarif = json.loads(render(report, "sarif", RULES))
    assert len(sarif["runs"][0]["results"]) == count
    region = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region["startLine"] == report.findings[0].line


def test_the_projects_own_chain_has_no_finding_and_every_rule_was_asked() -> None:
    done = CliRunner().invoke(app, ["check", "--format", "json"])

    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["findings"] == []
    assert document["skipped"] == []
    assert set(document["rules"]) == set(RULES)


@pytest.mark.heavy
def test_old_findings_do_not_block(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    shutil.copytree(migrations.script_location(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    older, _ = plant(folder, 1, BAD[0], migrations.heads()[0])

    assert check(folder, new_since=older).findings == ()


@pytest.mark.heavy
def test_a_rule_broken_on_purpose_is_accepted_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    shutil.copytree(migrations.script_location(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    revision, path = plant(folder, 1, BAD[0], migrations.heads()[0])
    path.write_text(path.read_text() + '\nLINT = {"grant-to-anon": "the course\'s titles are public"}\n')

    report = check(folder)

    assert report.findings == ()
    assert [(finding.revision, reason) for finding, reason in report.accepted if finding.rule == "grant-to-anon"] == [
        (revision, "the course's titles are public")
    ]


def test_two_heads_a_bad_name_and_no_docstring_are_found_without_a_server(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    shutil.copytree(migrations.script_location(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    head = migrations.heads()[0]
    plant(folder, 1, BAD[0], head)
    _, second = plant(folder, 2, BAD[0], head)
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
