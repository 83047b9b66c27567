"""What is done in one place is done nowhere else: opening connections, reading URLs, wording why a server is not reached."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "tripwire_db"


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        # The pool has its own; the runner's names itself after the command, and masks what a revision repeats.
        (r"psycopg\.(Async)?(Connection\.)?connect\(", {"postgres/connect.py", "schema/runner/connect.py"}),
        (r"conninfo_to_dict\(", {"postgres/url.py"}),
        (r"(?i)tenant or user not found|password authentication failed", {"postgres/errors.py"}),
        (r"could not be reached: \{", {"postgres/errors.py"}),
    ],
    ids=["connections", "URLs", "refusals", "unreachable"],
)
def test_it_is_done_in_one_place(pattern: str, places: set[str]):
    sources = {str(path.relative_to(PACKAGE)): path.read_text() for path in PACKAGE.rglob("*.py")}
    found = {name for name, text in sources.items() if re.search(pattern, re.sub(r"(?m)^ *(>>>|\.\.\.).*", "", text))}
    assert found - places == set()
    assert found
