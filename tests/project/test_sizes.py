"""A flow can be read: no function is longer than a page, no file longer than a few."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "tripwire_db"
LONGEST_FUNCTION, LONGEST_FILE = 60, 400
FILES = sorted((PACKAGE / "flows").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_a_file_of_a_flow_and_each_of_its_functions_are_short(path: Path):
    text = path.read_text(encoding="utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: count for name, count in lines.items() if count > LONGEST_FUNCTION} == {}
    assert len(text.splitlines()) <= LONGEST_FILE
