"""The flows, one file each, named after the flow."""

import pkgutil
from importlib import import_module
from itertools import product
from typing import Any

from tripwire_db.engine.statement import FlowStatement, statements_in


def statements() -> dict[str, FlowStatement[Any]]:
    """Every statement that the flows send, by the flow's name.

    Those that are made for a combination of filters have the filters' names after the flow's, as in
    `list_students.active.manager_id`.

    Examples:
        >>> list(statements()["complete_lesson"].tables)[:2]
        ['complete_progress', 'count_module']
    """
    from tripwire_db.choices import STUDENT_STATUSES
    from tripwire_db.flows.search import search_statement
    from tripwire_db.flows.students import list_statement

    names = [module.name for module in pkgutil.walk_packages(__path__, f"{__name__}.")]
    found = statements_in(*map(import_module, names))
    for filters in product(("", *STUDENT_STATUSES), ("", "manager_id"), ("", "search"), ("", "after")):
        status, *others = filters
        name = ".".join(filter(None, ("list_students", *filters)))
        found[name] = list_statement(status or None, *map(bool, others))
    for of_manager in ("", "manager_id"):
        name = ".".join(filter(None, ("search_activity", of_manager)))
        found[name] = search_statement(bool(of_manager))
    return found
