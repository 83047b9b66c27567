"""docs/reference/access.md says what the tests of access prove: its tables are read, and compared or tried."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.access import matrix
from tests.access.api import Api, bearer
from tests.access.calls import arguments
from tests.access.people import person, row
from tests.access.test_tokens import BAD_TOKENS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "access.md").read_text(encoding="utf-8")


def table_after(mark: str) -> list[list[str]]:
    """Read the Markdown table that follows a mark, its head line first."""
    _, _, rest = PAGE.partition(mark)
    lines = re.match(r"[^|]*((?:\|.*\n)+)", rest)
    assert lines is not None, mark
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[1].splitlines()]
    return [rows[0], *rows[2:]]


def as_grid(rows: list[list[str]]) -> dict[tuple[str, str], frozenset[str]]:
    head, *lines = rows
    return {
        (line[0], who): frozenset(words.replace("–", "").replace(",", " ").split())
        for line in lines
        for who, words in zip(head[1:], line[1:], strict=True)
    }


@pytest.mark.parametrize(("mark", "grid"), [("tables", matrix.TABLES), ("functions", matrix.FUNCTIONS)])
def test_the_page_says_what_the_matrix_says(mark: str, grid: str) -> None:
    assert as_grid(table_after(f"<!-- matrix: {mark} -->")) == {
        (cell.what, cell.who): cell.words for cell in matrix.cells(grid)
    }


def test_the_page_names_every_helper_that_policies_and_functions_ask() -> None:
    helpers = {*matrix.SELF_HELPERS, *(name for name in matrix.CHECKING_HELPERS if name.startswith("assert_"))}
    assert set(re.findall(r"`tripwire\.(\w+)\(", PAGE)) == helpers


Ask = Callable[[Api], httpx.Response]


def asks(what: str, caller: str | dict[str, str], about: str = "stranger") -> Ask:
    """Give a request: a table's rows or a function's answer about somebody, or a write."""
    if what == "write":
        return lambda api: api.update(caller, row("tripwire_users", about))
    if what.startswith("rpc_"):
        return lambda api: api.call(caller, what, arguments(what, about))
    return lambda api: api.select(caller, row(what, about))


def with_token(kind: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {BAD_TOKENS[kind]()}"}


ANSWERS: dict[str, list[Ask]] = {
    "a table or a function, without a token": [asks("users", "anon"), asks("rpc_get_sales_leaderboard", "anon")],
    "a table, of rows that are not the caller's": [asks("certificates", "student"), asks("users", "sales_manager")],
    "a table, by a caller without `sub` or unknown": [
        asks("users", bearer("admin", sub=None)),
        asks("modules", "unknown"),
    ],
    "a function that is not the caller's to ask, or about somebody else": [
        asks("rpc_get_sales_leaderboard", "student"),
        asks("rpc_check_video_qualification", "student"),
        asks("rpc_get_manager_stats", "sales_manager", "boss"),
    ],
    "a function, by a caller without `sub` or unknown": [
        asks("rpc_get_sales_leaderboard", bearer("admin", sub=None)),
        asks("rpc_check_video_qualification", "unknown", "unknown"),
    ],
    "a write, with a token": [asks("write", "student", "student"), asks("write", "admin")],
    "a write, without a token": [asks("write", "anon")],
    "an expired token": [asks("users", bearer("admin", exp=int(time.time()) - 3600))],
    "a forged token": [asks("users", with_token("forged"))],
    "a token with `alg=none`": [asks("users", with_token("alg none"))],
    "a token with the role postgres": [asks("users", bearer("admin", role="postgres"))],
    "a token with an unknown or empty role": [
        asks("users", bearer("admin", role="nobody_of_this_name")),
        asks("users", bearer("admin", role="")),
    ],
    "a token whose `sub` is no UUID": [asks("users", bearer("admin", sub="me"))],
    "a helper, or a function that was dropped": [
        lambda api: api.call("service_role", "is_backend", {}),
        lambda api: api.call("service_role", "rpc_get_manager_stats", {"manager": str(person("boss"))}),
    ],
    "another schema than public": [
        lambda api: api.request("GET", "/alembic_version", "admin", headers={"Accept-Profile": "tripwire"})
    ],
}


def test_the_page_lists_every_answer_that_is_tried() -> None:
    assert [line[0] for line in table_after("<!-- answers -->")[1:]] == list(ANSWERS)


@pytest.mark.parametrize("line", table_after("<!-- answers -->")[1:], ids=lambda line: line[0])
def test_a_browser_gets_the_answer_that_the_page_tells(api: Api, line: list[str]) -> None:
    request, status, code = line
    for ask in ANSWERS[request]:
        answer = ask(api)
        if status == "200, no rows":
            assert (answer.status_code, answer.json()) == (200, [])
        else:
            assert (str(answer.status_code), answer.json()["code"]) == (status, code), answer.text
