"""`tripwire-db activity`: what a manager did."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tripwire_db.cli import options, output, targets

Limit = Annotated[int, typer.Option("--limit", help="At most so many actions, 1–1000.")]

_SAID_ALREADY = ("email", "full_name")


def activity(
    manager: options.ManagerArgument,
    limit: Limit = 50,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Show what a manager did, newest first."""
    with targets.backend(database_url) as backend:
        actions = backend.repository.get_manager_activity(manager_id=backend.manager_id(manager), limit=limit)
    if as_json:
        output.show_json(actions)
    elif actions:
        output.show(
            output.table(
                f"Actions of {manager}",
                ["=When", "=What", "Whom", "Details"],
                (
                    (action.created_at, action.action_type, action.target_user_email, details(action.details))
                    for action in actions
                ),
                caption=f"Times in {output.TIME_ZONE}.",
            )
        )
    else:
        output.say(f"{output.clean(manager)} has done nothing yet.")


def details(of: Mapping[str, Any]) -> str:
    """The details of an action on one line, without the person, who is named beside them."""
    return ", ".join(f"{name} {value}" for name, value in of.items() if name not in _SAID_ALREADY)
