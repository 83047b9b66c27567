"""The rules that hold for every revision's file, whoever writes the next one."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.script import Script

from tests.schema.migrations.chain import revisions
from tripwire_db import migrations

SQL = Path(migrations.script_location()) / "sql"
ALL = revisions()
each_revision = pytest.mark.parametrize("revision", ALL, ids=[revision.revision for revision in ALL])


def source(revision: Script) -> str:
    return Path(revision.path).read_text(encoding="utf-8")


def test_there_is_one_head_and_the_chain_is_a_line() -> None:
    assert migrations.heads() == (ALL[-1].revision,)
    assert [revision.down_revision for revision in ALL] == [None, *(revision.revision for revision in ALL[:-1])]


@each_revision
def test_a_name_is_its_utc_time_and_sorts_in_the_order_of_the_chain(revision: Script) -> None:
    name = Path(revision.path).name

    assert re.fullmatch(rf"{revision.revision}_[a-z0-9_]+\.py", name)
    datetime.strptime(revision.revision, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    assert sorted(Path(each.path).name for each in ALL) == [Path(each.path).name for each in ALL]


@each_revision
def test_a_docstring_says_why_and_what_it_follows(revision: Script) -> None:
    assert revision.doc.endswith((".", "?"))
    follows = revision.down_revision or "nothing"
    assert f"Revision: {revision.revision}\nFollows: {follows}\n" in revision.module.__doc__
    assert len(revision.module.__doc__) > 200


@each_revision
def test_it_imports_nothing_that_changes_under_it(revision: Script) -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source(revision)))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }

    assert imported <= {"revision_tools", "collections", "textwrap"}


@each_revision
def test_it_hides_no_difference_and_drops_nothing_unseen(revision: Script) -> None:
    assert not re.search(r"IF\s+NOT\s+EXISTS\s+(public|tripwire|\w+\s*\()", source(revision))
    assert not re.search(r"DROP\s[^;]*\bCASCADE", source(revision))


@each_revision
def test_every_name_has_its_schema(revision: Script) -> None:
    bare = re.findall(
        r"\b(?:CREATE TABLE|ALTER TABLE|DROP TABLE|UPDATE|INSERT INTO|DELETE FROM|COMMENT ON INDEX|DROP INDEX) "
        r"(?!public\.|tripwire\.|CONCURRENTLY|IF|ON|OF)(\w+)",
        "\n".join(line for line in source(revision).splitlines() if not line.lstrip().startswith(("#", '"""'))),
    )

    assert [name for name in bare if not name[0].isupper()] == []


def test_every_file_of_sql_is_one_version_and_is_used() -> None:
    everything = "".join(source(revision) for revision in ALL)
    for file in sorted(SQL.glob("*.sql")):
        name = re.fullmatch(r"(\w+)_v\d+", file.stem)
        assert name, file.name
        assert f'"{file.stem}"' in everything or f'"{name[1]}"' in everything, f"{file.name} is used by no revision"


def test_the_chain_can_be_rendered_offline_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    command.upgrade(migrations.config("postgresql://localhost/nowhere"), "head", sql=True)
    up = capsys.readouterr().out
    command.downgrade(migrations.config("postgresql://localhost/nowhere"), f"{ALL[-1].revision}:base", sql=True)
    down = capsys.readouterr().out

    assert up.count("CREATE TABLE public.") == 12
    assert "%%" not in up
    assert "This downgrade would lose" in down
