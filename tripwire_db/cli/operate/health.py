"""`tripwire-db health`: for monitors."""

from typing import Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND

Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")]


def health(strict: Strict = False, database_url: options.DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Look whether the database is in good health, one line a check; nothing is changed.

    Revision, version tables, event triggers, indexes, dead rows, transactions, connections, sequences, wraparound,
    replicas, slots, locks, the doctor's counts, Auth and Redis. Example: `tripwire-db health --json` every five minutes.

    The exit code is 1 where a check failed; a warning can wait for the day.
    """
    from tripwire_db.operate import health as look

    with targets.application(database_url) as target:
        checks = look(targets.environment_of(target))
    bad = {"failed", "warning"} if strict else {"failed"}
    good = not any(check.outcome in bad for check in checks)
    if as_json:
        output.show_json({"healthy": good, "checks": checks})
    else:
        for check in checks:
            output.say(f"{check.outcome:<8} {check.name:<19} {check.detail}")
    if not good:
        raise typer.Exit(FOUND)
