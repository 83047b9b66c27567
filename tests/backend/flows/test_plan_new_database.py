"""Plans on a database without statistics: a connection keeps them, whatever fills its tables until ANALYZE comes by."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.backend.flows.plans import kept_plan
from tripwire_db.flows import statements

OF_STUDENTS = {"module_unlocks", "student_progress", "video_tracking"}
"""Tables with several rows a student, which have an index of a lesson or module too: it finds the rows of everybody."""


@pytest.fixture
def kind() -> str:
    return "sync"  # both repositories send the same statements


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the scans of such tables; a bitmap's stands with the table that it is read for."""
    if plan.get("Relation Name") in OF_STUDENTS and plan["Node Type"] != "ModifyTable":
        yield plan
    for part in plan.get("Plans", ()):
        yield from scans(part)


def conditions(scan: dict[str, Any]) -> str:
    return f"{scan.get('Index Cond', '')} {scan.get('Recheck Cond', '')}"


OF_A_STUDENT = sorted(
    name
    for name, statement in statements().items()
    # create_manager asks whether a row is there, and only where a trigger has written the auth user's row before it.
    if "user_id" in statement.prepared[1] and name != "create_manager"
)


@pytest.mark.parametrize("flow", OF_A_STUDENT)
def test_a_flow_of_a_student_reads_no_rows_of_others_though_nothing_is_known_of_the_tables(
    database_url: str, flow: str
):
    with psycopg.connect(database_url) as connection:
        plan = kept_plan(connection, flow)
    by_others = [
        f"{scan['Node Type']} on {scan['Relation Name']}: {conditions(scan)}"
        for scan in scans(plan)
        if not ("user_id = " in conditions(scan) or "(id = " in conditions(scan))
    ]
    assert by_others == []
