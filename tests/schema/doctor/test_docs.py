"""docs/how-to/dba/doctor.md and docs/how-to/dba/adopt.md show what the commands really answer."""

import pytest

from tests.schema.doctor.documented import DOCS, PAGES, comparable


@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_what_the_command_answers(name: str) -> None:
    """Where it does not, `python -m tests.schema.doctor.documented` writes the page anew."""
    page = (DOCS / name).read_text(encoding="utf-8")

    assert comparable(PAGES[name](page)).splitlines() == comparable(page).splitlines()
