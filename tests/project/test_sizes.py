"""The code can be read: no function of a flow is longer than a page, no file longer than a few."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tripwire_db"
LONGEST_FUNCTION, LONGEST_FILE = 60, 400
GENERATED = PACKAGE / "repository" / "sync"
"""Written by scripts/unasync from repository/aio."""


def test_no_function_of_a_flow_is_longer_than_a_page() -> None:
    lengths = {
        f"{path.relative_to(PACKAGE)}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in (PACKAGE / "flows").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert lengths, "no function of a flow was found"
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("folder", ["tripwire_db", "tests", "benchmarks", "scripts", "alembic"])
def test_no_written_file_is_longer_than_a_few_pages(folder: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / folder).rglob("*.py")
        if not path.is_relative_to(GENERATED)
    }
    assert lengths, "no file was found"
    assert {name for name, length in lengths.items() if length > LONGEST_FILE} == set()
