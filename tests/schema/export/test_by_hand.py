"""What a person does in Studio, and what doctor, drift and the repository make of it: docs/how-to/dba/by-hand.md, by line."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg

from tests.schema.doctor.people import make_people
from tests.schema.export.conftest import Hosted
from tests.support.auth_service import AuthService
from tests.support.servers.finding import PROJECT
from tripwire_db import TripwireError, TripwireRepository, WatchPolicy
from tripwire_db.schema.doctor import examine, mend
from tripwire_db.schema.drift import find_drift

PAGE = (PROJECT / "docs" / "how-to" / "dba" / "by-hand.md").read_text(encoding="utf-8")
ROWS, SCHEMA = (
    [
        [cell.strip() for cell in line.strip("|").split("|")][1:]
        for line in re.findall(r"(?m)^\|.+`.+`.+\|$", part.partition("|---|")[2])
    ]
    for part in PAGE.split("## The schema", 1)
)


def test_each_change_of_rows_is_found_met_and_mended_as_the_page_says(hosted: Hosted) -> None:
    url = hosted.project(at="head")
    auth = AuthService(_as_auth(url))
    with TripwireRepository.connect(url, auth=auth, policy=WatchPolicy(max_rate=None)) as repository:
        people = make_people(repository, 12)
        with psycopg.connect(url) as connection:
            ids = dict(connection.execute("SELECT email, id FROM public.users").fetchall())

        for statement, finds, meanwhile, remedy in ROWS:
            email = re.findall(r"'(\S+@\S+)'", statement)[-1]
            calls = _calls(repository, email, ids[email], people.manager_id)
            _execute(url, statement.strip("`"))
            # All that there is: what the line before had done is mended.
            found = ", ".join(sorted({finding.kind for finding in examine(url)})) or "nothing"
            assert (statement, found) == (statement, finds)
            for method, outcome in re.findall(r"`(\w+)`: (\w+)", meanwhile):
                assert (statement, method, _outcome(calls[method])) == (statement, method, outcome)
            for step in re.findall(r"`([^`]+)`", remedy):
                if step == "doctor --fix":
                    mend(url, examine(url))
                elif step in calls:
                    calls[step]()

    assert len(ROWS) == 10
    assert examine(url) == ()
    assert find_drift(url).findings == ()


def test_drift_finds_what_the_page_says_of_each_change_of_the_schema_and_doctor_none(hosted: Hosted) -> None:
    url = hosted.project(at="head")
    for statement, *_ in SCHEMA:
        _execute(url, statement.strip("`"), as_auth=False)

    drift = find_drift(url)

    assert len(SCHEMA) == 11
    told = [kind for _, finds, _ in SCHEMA for kind in re.findall(r"(?:extra|missing|changed) \w+", finds)]
    assert sorted(f"{finding.change} {finding.kind}" for finding in drift.findings) == sorted(told)
    assert {"public.notes", "public.hello()"} <= {key.name for key in drift.not_ours}
    _execute(url, "ALTER TABLE public.certificates RENAME COLUMN link TO url")
    assert examine(url) == ()


def _calls(repository: TripwireRepository, email: str, user_id: UUID, manager_id: UUID) -> dict[str, Callable[[], Any]]:
    """What the page speaks of, about one person."""
    seller = {"manager_id": manager_id}
    return {
        "get_student": lambda: repository.get_student(user_id=user_id),
        "complete_lesson": lambda: repository.complete_lesson(user_id=user_id, lesson_id=67),
        "issue_certificate": lambda: repository.issue_certificate(user_id=user_id),
        "revoke_certificate": lambda: repository.revoke_certificate(user_id=user_id, reason="issued by mistake"),
        "create_tripwire_user": lambda: repository.create_tripwire_user(email=email, full_name="Somebody", **seller),
        "set_student_status": lambda: repository.set_student_status(user_id=user_id, status="blocked", **seller),
    }


def _outcome(call: Callable[[], Any]) -> str:
    try:
        return type(call()).__name__
    except TripwireError as error:
        return type(error).__name__


def _execute(url: str, statement: str, *, as_auth: bool = True) -> None:
    """Run a statement as `postgres`, or as Auth does it where it is about Auth's users."""
    by_auth = as_auth and re.match(r"(DELETE FROM|UPDATE) auth\.", statement)
    with psycopg.connect(_as_auth(url) if by_auth else url) as connection:
        assert connection.execute(statement.encode()).rowcount, "a line that changes nothing"


def _as_auth(url: str) -> str:
    return url.replace("//postgres@", "//supabase_auth_admin@", 1)
