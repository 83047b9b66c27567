"""Tells at the end of a run how a worker that crashed was ended, and where each of its threads was."""

import faulthandler
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

_ENDED: list[str] = []


@pytest.hookimpl(trylast=True)  # after pytest's own, which writes to stderr: lost among the dots, or altogether
def pytest_configure(config: pytest.Config) -> None:
    """In a worker, have the stacks of a crash written to a file."""
    if worker := getattr(config, "workerinput", None):
        stacks = Path(worker["stacks"])
        config.add_cleanup(faulthandler.disable)
        faulthandler.enable(stacks.open("w"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each worker a file of its own."""
    folder = node.config._tmp_path_factory.getbasetemp()
    node.workerinput["stacks"] = str(folder / f"stacks-{node.gateway.id}.txt")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Note how a worker ended that should not have ended yet."""
    if not error:
        return
    try:
        code = node.gateway._io.popen.wait(10)
    except subprocess.TimeoutExpired:
        ended = "still runs, and has closed its end of the pipe"
    else:
        ended = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
    stacks = Path(node.workerinput["stacks"])
    _ENDED.append(f"{node.gateway.id} {ended}\n{stacks.read_text() if stacks.exists() else ''}")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print it."""
    for ended in _ENDED:
        terminalreporter.section("a worker crashed")
        terminalreporter.write_line(ended)
