"""The flows, one file each, named after the flow."""

import pkgutil
from importlib import import_module
from typing import Any

from tripwire_db.engine.statement import FlowStatement, statements_in


def statements() -> dict[str, FlowStatement[Any]]:
    """Every statement that the flows send, by the flow's name.

    Those that are made for a combination of filters have the filters' names after the flow's, as in
    `list_students.manager_id.active`; of the many that `list_students` has, each filter alone and two of all together.

    Examples:
        >>> list(statements()["complete_lesson"].tables)[:2]
        ['complete_progress', 'count_module']
    """
    from tripwire_db.flows.search import search_statement
    from tripwire_db.flows.students import FILTERS, list_statement

    names = [module.name for module in pkgutil.walk_packages(__path__, f"{__name__}.")]
    found = statements_in(*map(import_module, names))
    each = [(name,) for group in FILTERS for name in group]
    every = [tuple(group[chosen % len(group)] for group in FILTERS) for chosen in (0, 1)]
    for filters in ((), *each, *every):
        found[".".join(("list_students", *filters))] = list_statement(*filters)
    for of_manager in ("", "manager_id"):
        name = ".".join(filter(None, ("search_activity", of_manager)))
        found[name] = search_statement(bool(of_manager))
    return found
