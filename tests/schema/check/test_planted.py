"""`tripwire-db check`: each rule is broken by a revision planted in a chain, and found in its file and line."""

from pathlib import Path

from tests.schema.check.chain import METADATA, judge, make
from tests.schema.check.planted import BAD, GOOD, Planted


def test_each_planted_revision_is_found_in_its_file_and_line_and_none_that_breaks_no_rule(tmp_path: Path) -> None:
    planted = make(tmp_path / "alembic", (*GOOD, *BAD))

    report = judge(tmp_path / "alembic", metadata=METADATA)

    found = {path: [one for one in report.findings if one.file == str(path)] for path in planted}
    wrong = [f"{one.up}: {found[path]}" for path, one in planted.items() if not _is_right(path, one, found[path])]
    assert not wrong, "\n\n".join(wrong)
    assert [one for one in report.findings if Path(one.file) not in planted] == [], "the first one is the baseline"
    models = [one.message for one in report.findings if one.rule == "models"]
    assert any("column public.people.nick is made by the chain" in message for message in models)
    assert any("column public.people.email is in the models" in message for message in models)
    told = {note.message for note in report.notes}
    assert "anon gains SELECT on public.towns" in told
    assert "table public.naked is added" in told
    assert "column public.events.teacher is added" in told
    assert "column public.people.email is removed" in told


def _is_right(path: Path, planted: Planted, found: list) -> bool:
    if not planted.rule:
        return [one for one in found if one.rule != "models"] == []
    lines = path.read_text().splitlines()
    return any(
        one.rule == planted.rule and " ".join(planted.blamed.split()) in " ".join(lines[one.line - 1].split())
        for one in found
    )
