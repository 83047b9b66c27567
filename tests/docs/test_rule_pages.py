"""Each rule of check has a page: the problem, then the solution."""

from pathlib import Path

import pytest

from tripwire_db.schema.check import RULES

FOLDER = Path(__file__).parents[2] / "docs" / "reference" / "rules"


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_a_page_with_problem_and_solution(rule: str) -> None:
    page = (FOLDER / f"{rule}.md").read_text(encoding="utf-8")

    assert page.startswith(f"# {rule}\n\n{RULES[rule]}\n\n## Problem\n\n")
    assert "\n\n## Solution\n\n" in page
    assert f"| [{rule}]({rule}.md) | {RULES[rule]} |" in (FOLDER / "index.md").read_text(encoding="utf-8")


def test_there_is_no_page_of_a_rule_that_is_none() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} - {"index"} == set(RULES)
