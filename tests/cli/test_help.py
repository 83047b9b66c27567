"""What `--help` shows, of every command."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from tripwire_db.cli import app


def commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    """The words of a command, and of all below it."""
    yield words
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from commands(below, *words, name)


@cache
def shown(*words: str) -> str:
    """The help of a command, wide enough that no word is cut."""
    answer = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "300"})
    assert answer.exit_code == 0
    return answer.output


WORDS = list(commands(get_command(app)))


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(words) or "root")
def test_help_shows_no_type_behind_a_flag(words: tuple[str, ...]):
    assert "Show this message and exit." in shown(*words)
    assert "bool" not in shown(*words).lower()


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(words) or "root")
def test_help_shows_every_word_that_was_written(words: tuple[str, ...]):
    """Tried with `<revision>` in a docstring: what stands in angle brackets is taken for HTML, and left out."""
    command = get_command(app)
    for word in words:
        assert isinstance(command, TyperGroup)
        command = command.commands[word]

    assert command.help
    assert set(command.help.replace("`", "").replace("*", "").split()) - set(shown(*words).split()) == set()
