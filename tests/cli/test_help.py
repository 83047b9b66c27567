"""What `--help` shows, of every command."""

import pytest
from typer.testing import CliRunner

from tripwire_db.cli import app
from tripwire_db.cli.app import COMMANDS

WORDS = [
    [],
    *([name] for commands in COMMANDS.values() for name in commands),
    ["student", "list"],
    ["manager", "create"],
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(words) or "root")
def test_help_shows_no_type_behind_a_flag(words: list[str]):
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "100"})

    assert shown.exit_code == 0
    assert "Show this message and exit." in shown.output
    assert "bool" not in shown.output.lower()
