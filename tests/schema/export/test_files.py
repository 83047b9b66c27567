"""The files that `export-supabase` writes, and what `--check` says of them."""

import re
from pathlib import Path

from typer.testing import CliRunner

from tripwire_db import migrations
from tripwire_db.cli import app
from tripwire_db.schema.export import compare, export

PLACE = Path("supabase/migrations")


def test_one_file_a_revision_byte_for_byte_the_same_when_written_again(tmp_path: Path) -> None:
    export(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / PLACE).iterdir()}

    again = export(tmp_path)

    assert tuple(name.partition("_")[0] for name in sorted(before)) == migrations.revisions()
    assert again.same == tuple(sorted(before))
    assert {path.name: path.read_bytes() for path in (tmp_path / PLACE).iterdir()} == before


def test_nothing_in_them_is_psql_s_and_nothing_leaves_the_cli_s_transaction(tmp_path: Path) -> None:
    export(tmp_path)

    for path in (tmp_path / PLACE).iterdir():
        text = re.sub(r"\$(\w*)\$.*?\$\1\$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        statements = [statement.strip() for statement in re.sub(r"(?m)^--.*$", "", text).split(";\n")]
        assert len(statements) > 3
        found = [text for text in statements if re.match(r"BEGIN|COMMIT|ROLLBACK|SET|RESET|LOCK|\\\\", text)]
        assert not found, f"{path.name}: {found}"


def test_check_names_what_is_missing_changed_or_doubled_and_writes_nothing(tmp_path: Path) -> None:
    names = export(tmp_path).missing
    (tmp_path / PLACE / names[0]).unlink()
    (tmp_path / PLACE / names[1]).write_text("SELECT 1;")
    doubled = names[2].replace("_", "_another_", 1)
    (tmp_path / PLACE / doubled).write_text("SELECT 1;")
    (tmp_path / PLACE / "20260101000000_of_others.sql").write_text("SELECT 1;")

    found = CliRunner().invoke(app, ["export-supabase", str(tmp_path), "--check"])
    refused = CliRunner().invoke(app, ["export-supabase", str(tmp_path)])
    (tmp_path / PLACE / doubled).unlink()
    mended = CliRunner().invoke(app, ["export-supabase", str(tmp_path)])
    good = CliRunner().invoke(app, ["export-supabase", str(tmp_path), "--check"])

    assert found.exit_code == 1
    assert f"{names[0]}: missing" in found.output
    assert f"{names[1]}: differs" in found.output
    assert f"{doubled}: has a revision's version under another name" in found.output
    assert "of_others" not in found.output
    assert refused.exit_code == 2, "one version under two names is never pushed"
    assert mended.exit_code == 0, mended.output
    assert f"{len(names)} files are as the chain says" in mended.output
    assert good.exit_code == 0, good.output
    assert not compare(tmp_path).differs


def test_the_folder_supabase_itself_is_refused_with_the_one_to_name(tmp_path: Path) -> None:
    export(tmp_path)

    for inner in ("supabase", "supabase/migrations"):
        for words in ([], ["--check"]):
            refused = CliRunner().invoke(app, ["export-supabase", str(tmp_path / inner), *words])
            assert refused.exit_code == 2
            assert f"name the folder that holds supabase/, {tmp_path}" in " ".join(refused.output.split())
    (tmp_path / "shop" / "supabase").mkdir(parents=True)
    assert export(tmp_path / "shop").missing, "an empty folder of that name is made to hold them"
