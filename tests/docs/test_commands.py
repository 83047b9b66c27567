"""The pages of `commands.PAGES` show what the commands really answer."""

import re

import pytest

from tests.docs.commands import DOCS, PAGES, comparable

# The pages whose commands run the whole chain several times.
LONG = {"how-to/ci/check.md"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.heavy] * (n in LONG)) for n in PAGES])
def test_the_page_shows_what_the_command_answers(name: str) -> None:
    """Where it does not, `python -m tests.docs.commands` writes the page anew."""
    page = (DOCS / name).read_text(encoding="utf-8")

    assert _settled(PAGES[name](page)).splitlines() == _settled(page).splitlines()


def _settled(page: str) -> str:
    # The revisions of the chain grow; what is accepted in them is told by the report and by no page.
    told = re.sub(r"(?m)^(  \d{14} .*|Accepted.*|alembic: .*)\n", "", comparable(page))
    # Told where it is not the same, which the clock decides.
    told = re.sub(r" at \d+ places?,", " at <n> places,", told.replace(" (<seconds> on the scratch server)", ""))
    told = re.sub(r"(?m)^ .* \d+\.\d +\d+\.\d\n", "", re.sub(r"\d+ calls a second", "<n> calls a second", told))
    told = re.sub(r"\d+ transactions, [\d.]+%|\d+ of 100", "<n>", told)
    # A column is as wide as the longest time in it.
    return re.sub(r"(?m)^ (Revision|Call) .*$", lambda line: " ".join(line[0].split()), re.sub("─+", "─", told))
