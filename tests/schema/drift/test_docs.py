"""The page of drift names every planted case, and none that is not planted."""

from pathlib import Path

from tests.schema.drift.planted import PLANTED, PLANTED_DETAILS, PLANTED_NOTES
from tests.schema.drift.planted_access import PLANTED_ACCESS
from tripwire_db.postgres.catalog import KINDS

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "dba" / "drift.md"
CASES = {**PLANTED, **PLANTED_ACCESS, **PLANTED_DETAILS, **PLANTED_NOTES}


def test_what_the_page_says_is_seen_is_what_is_planted() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## What is seen")[2].partition("## What is not seen")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| ")][1:]

    named = [case.strip() for row in rows for case in row[2].split("·")]

    assert sorted(named) == sorted(CASES)


def test_each_kind_of_object_is_planted_at_least_once() -> None:
    planted = {case[-1][1] for case in (*PLANTED.values(), *PLANTED_ACCESS.values(), *PLANTED_DETAILS.values())}

    # A schema and a type are only ever missing with all that is in them.
    assert set(KINDS) - planted == {"schema", "type"}
