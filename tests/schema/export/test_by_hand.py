"""What a person does in Studio, and what `doctor` and `drift` make of it: docs/how-to/dba/by-hand.md, line by line."""

import re
from collections.abc import Callable

import psycopg

from tests.schema.doctor.people import make_people, open_repository
from tests.support.servers.finding import PROJECT
from tripwire_db.schema.doctor import examine
from tripwire_db.schema.drift import find_drift

PAGE = (PROJECT / "docs" / "how-to" / "dba" / "by-hand.md").read_text(encoding="utf-8")
ROWS, SCHEMA = (
    re.findall(r"(?m)^\| [^|]+ \| `([^`]+)` \| ([^|]+) \|", part) for part in PAGE.split("## The schema", 1)
)


def test_doctor_finds_what_the_page_says_of_each_change_of_rows_and_drift_none(
    make_database: Callable[..., str],
) -> None:
    url = make_database()
    with open_repository(url) as repository:
        make_people(repository, 9)
    seen, before = [], set[tuple[str, str]]()

    for statement, _ in ROWS:
        _execute(url, statement)
        now = {(finding.kind, str(finding.key)) for finding in examine(url)}
        seen.append((statement, ", ".join(sorted({kind for kind, _ in now - before})) or "nothing"))
        before = now

    assert len(ROWS) == 6
    assert seen == ROWS
    assert find_drift(url).findings == ()


def test_drift_finds_what_the_page_says_of_each_change_of_the_schema_and_doctor_none(
    make_database: Callable[..., str],
) -> None:
    url = make_database()
    for statement, _ in SCHEMA:
        _execute(url, statement)

    drift = find_drift(url)

    assert len(SCHEMA) == 6
    found = sorted(f"{finding.change} {finding.kind}" for finding in drift.findings)
    assert found == sorted(told for _, told in SCHEMA if told != "nothing")
    assert "public.notes" in {key.name for key in drift.not_ours}
    assert examine(url) == ()


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        assert connection.execute(statement).rowcount, "a line that changes nothing"
