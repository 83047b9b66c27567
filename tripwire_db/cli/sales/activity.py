"""`tripwire-db activity`: what a manager did."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tripwire_db.choices import ACTION_TYPES
from tripwire_db.cli import formats, options, output, targets
from tripwire_db.validation import parse_choice

Limit = Annotated[int, typer.Option("--limit", help="At most so many actions, 1–1000.")]

Actions = Annotated[
    list[str] | None,
    typer.Option(
        "--action", metavar="TYPE", help="Only these, as in user_created; may be repeated.", show_default=False
    ),
]
Before = Annotated[
    str | None, typer.Option("--before", metavar="NEXT", help="Go on: `next` of the page before.", show_default=False)
]

_SAID_ALREADY = ("email", "full_name")


def activity(
    manager: options.ManagerArgument,
    limit: Limit = 50,
    action: Actions = None,
    since: options.Since = None,
    until: options.Until = None,
    period: options.Period = None,
    time_zone: options.TimeZone = output.TIME_ZONE,
    before: Before = None,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
    page_json: options.PageJson = False,
    as_csv: options.Csv = False,
) -> None:
    """Show what a manager did, newest first."""
    from tripwire_db.results import Activity

    form = formats.chosen(json=as_json, page_json=page_json, csv=as_csv)
    kinds = [parse_choice("--action", kind, ACTION_TYPES) for kind in action or ()]
    with targets.backend(database_url) as backend:
        days = backend.days(since, until, period, time_zone)
        actions = backend.repository.get_manager_activity(
            manager_id=backend.manager_id(manager),
            limit=limit,
            before=before,
            action_types=kinds or None,
            since=days.since,
            until=days.until,
            time_zone=time_zone,
        )
    if formats.show(form, actions, Activity):
        return
    if actions:
        output.show(
            output.table(
                f"Actions of {manager}",
                ["=When", "=What", "Whom", "Details"],
                (
                    (action.created_at, action.action_type, action.target_user_email, details(action.details))
                    for action in actions
                ),
                caption=f"Times in {output.TIME_ZONE}.{f' More: --before {actions.next}' if actions.next else ''}",
            )
        )
    else:
        asked = kinds or before or since or until or period
        output.say("No such actions." if asked else f"{output.clean(manager)} has done nothing yet.")


def details(of: Mapping[str, Any]) -> str:
    """The details of an action on one line, without the person, who is named beside them."""
    return ", ".join(f"{name} {value}" for name, value in of.items() if name not in _SAID_ALREADY)
