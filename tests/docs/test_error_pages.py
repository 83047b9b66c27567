"""Each error has a page, and its message names it."""

import inspect
import re
from pathlib import Path

import pytest

from tripwire_db import InvalidInput, TripwireError, Unavailable, errors

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TripwireError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_has_a_page_that_names_its_fields(kind: type[TripwireError]) -> None:
    page = (FOLDER / f"{kind.page}.md").read_text(encoding="utf-8")

    assert page.startswith(f"# {kind.__name__}: ")
    _, _, attributes = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    fields = set(re.findall(r"^    (\w+):", attributes, re.MULTILINE)) - {"page"}
    assert {field for field in fields if f"`{field}`" not in page} == set()


def test_there_is_no_page_of_an_error_that_is_none() -> None:
    pages = {path.stem for path in (FOLDER / "errors").glob("*.md")} - {"index"}
    assert pages == {kind.page.removeprefix("errors/") for kind in KINDS}


def test_a_message_ends_with_its_own_page_and_no_other() -> None:
    within = InvalidInput("the URL cannot be read")
    assert str(Unavailable(f"no connection: {within}", applied=False)) == (
        "no connection: the URL cannot be read (docs: errors/unavailable)"
    )
