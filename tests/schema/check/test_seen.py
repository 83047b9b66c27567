"""The page of what check sees names, for each rule, the revisions that are planted; WRITE_DOCS=1 writes it anew."""

import os
from pathlib import Path

from tests.schema.check.planted import BAD, Planted
from tests.schema.check.test_access_rules import FAULTS, FAULTS_THERE
from tripwire_db.schema.check import RULES

TESTS = Path(__file__).parent
PAGE = TESTS.parents[2] / "docs" / "reference" / "what-check-sees.md"
HEADER, FOOTER = "| rule | planted |\n|---|---|\n", "\n\n## What it does not see"
WIDTH = 100

# Rules that no single revision breaks: the test that does.
ELSEWHERE = {
    "one-head": "test_two_heads_a_bad_name_and_no_docstring_are_found_without_a_server",
    "name": "test_two_heads_a_bad_name_and_no_docstring_are_found_without_a_server",
    "docstring": "test_two_heads_a_bad_name_and_no_docstring_are_found_without_a_server",
    "models": "test_each_planted_revision_is_found_in_its_file_and_line_and_none_that_breaks_no_rule",
    "statements": "test_what_breaks_a_release_or_the_package_itself_is_found_where_it_comes_from",
    "breaks-release": "test_each_break_planted_in_the_course_is_found_with_release_method_file_and_line",
    "structure": "test_a_body_a_volatility_a_grant_and_a_comment_that_are_not_what_the_file_says_are_found",
    "runner": "test_what_the_runner_refuses_is_found_by_its_rule",
    "session-settings": "test_what_the_runner_refuses_is_found_by_its_rule",
    "transaction": "test_what_the_runner_refuses_is_found_by_its_rule",
}


def cases(rule: str) -> list[str]:
    """What is planted for a rule, as the page names it."""
    by_text = [_shown(one) for one in BAD if one.rule == rule]
    by_name = [name for name, one in {**FAULTS, **FAULTS_THERE}.items() if one.rule == rule]
    return [*dict.fromkeys(by_text), *by_name] or [f"`{ELSEWHERE[rule]}`"]


def _shown(planted: Planted) -> str:
    """What sets it apart, in one line: what it declares or imports, else what it does, up or down."""
    doing = planted.up if planted.up not in ("SELECT 1", "") else planted.down
    line = " ".join((planted.head or planted.imports or doing).split()).replace("|", "\\|").replace("`", "'")
    return f"`{line if len(line) <= WIDTH else line[: WIDTH - 1] + '…'}`"


def test_the_page_names_what_is_planted_for_each_rule() -> None:
    table = "".join(f"| [{rule}](rules/{rule}.md) | {' · '.join(cases(rule))} |\n" for rule in RULES)
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(HEADER)[0], FOOTER + page.partition(FOOTER)[2]
    if os.environ.get("WRITE_DOCS") == "1":
        PAGE.write_text(f"{before}{HEADER}{table.rstrip()}{after}", encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == f"{before}{HEADER}{table.rstrip()}{after}", "write it by WRITE_DOCS=1"


def test_what_is_broken_elsewhere_is_a_test() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in TESTS.glob("test_*.py") if path.name != "test_seen.py"
    )
    assert [name for name in ELSEWHERE.values() if f"def {name}(" not in source] == []
