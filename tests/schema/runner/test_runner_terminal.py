"""On a terminal: a progress bar, and the same words."""

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.schema.runner.chain import Chain


def _on_a_terminal(chain: Chain, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run `alembic` as a person does; returns its exit code and what the screen got."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=chain.folder,
        env={**os.environ, "TRIPWIRE_MIGRATIONS_URL": chain.url, "TERM": "xterm", "COLUMNS": "120", **environment},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    screen = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        screen += piece
    os.close(leader)
    return process.wait(timeout=30), screen.decode()


@pytest.fixture
def two(chain: Chain) -> Chain:
    chain.add("CREATE TABLE public.a ()")
    chain.add("CREATE TABLE public.b ()", "DO $$ BEGIN RAISE WARNING 'mind [the] gap'; END $$", "SELECT pg_sleep(0.3)")
    return chain


def test_a_bar_counts_the_revisions_and_their_lines_stand_above_it(two: Chain) -> None:
    code, screen = _on_a_terminal(two, "upgrade", "head")
    assert code == 0, screen
    assert "━" in screen
    assert "2/2" in screen
    assert "WARNING: mind [the] gap" in screen
    assert re.search(r"upgrade 20260102000000  step: Step 2  \d+\.\d+ s", screen)
    assert screen.rstrip().endswith("the version table says 20260102000000 (head).")


def test_a_dumb_terminal_gets_plain_lines(two: Chain) -> None:
    code, screen = _on_a_terminal(two, "upgrade", "head", TERM="dumb")
    assert code == 0, screen
    assert "━" not in screen
    assert "upgrade 20260102000000  step: Step 2" in screen


def test_an_error_takes_the_bar_away_and_is_the_last_word(two: Chain) -> None:
    two.add("SELECT 1/0")
    code, screen = _on_a_terminal(two, "upgrade", "head")
    assert code != 0
    assert "division by zero" in screen[screen.rindex("FAILED") :]
