"""What type checkers see of both repositories: choices are literal types, and nothing is untyped."""

import inspect
from typing import Any, get_args, get_type_hints

import pytest

import tripwire_db
from tests.backend.flows.scenes import METHODS
from tripwire_db import ActionType, AsyncTripwireRepository, ManagerRole, Status, TripwireRepository
from tripwire_db.choices import ROLES
from tripwire_db.tables import sales_activity_log, student_progress, tripwire_users, users

CHOICES = {
    ("log_activity", "action_type"): ActionType,
    ("set_student_status", "status"): Status,
    ("list_students", "status"): Status | None,
    ("create_manager", "role"): ManagerRole,
}


@pytest.mark.parametrize("repository", [TripwireRepository, AsyncTripwireRepository])
@pytest.mark.parametrize("method", METHODS)
def test_every_argument_and_result_of_a_method_is_typed(repository: type, method: str):
    function = getattr(repository, method)
    hints = get_type_hints(function)
    arguments = set(inspect.signature(function).parameters) - {"self"}
    assert set(hints) == arguments | {"return"}
    assert Any not in hints.values()
    for argument in arguments & {"action_type", "status", "role"}:
        assert hints[argument] == CHOICES[method, argument]


def test_results_hold_literal_types_where_they_hold_choices():
    for name in tripwire_db._HOMES["tripwire_db.results"]:
        hints = get_type_hints(getattr(tripwire_db, name))
        for field in set(hints) & {"action_type", "status", "role"}:
            assert len(get_args(hints[field])) >= 3, f"{name}.{field} is {hints[field]}"


def test_a_managers_role_is_any_but_students():
    assert ("student", *get_args(ManagerRole)) == ROLES


@pytest.mark.parametrize(
    ("column", "choices"),
    [
        (users.c.role, tripwire_db.Role),
        (tripwire_users.c.status, Status),
        (student_progress.c.status, tripwire_db.ProgressStatus),
        (sales_activity_log.c.action_type, ActionType),
    ],
)
def test_a_literal_type_holds_what_the_column_takes(column: Any, choices: Any):
    checks = [str(check.sqltext) for check in column.table.constraints if getattr(check, "sqltext", None) is not None]
    listed = ", ".join(f"'{choice}'" for choice in get_args(choices))
    assert f"{column.name} IN ({listed})" in checks
