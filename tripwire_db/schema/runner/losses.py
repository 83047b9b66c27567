"""Counts what a downgrade over several revisions would lose, before its first one: none is taken back in vain.

Each revision counts again, in its own transaction. Without this look ahead a downgrade would stop in the middle, with
row-level security, say, already gone.
"""

from collections.abc import Iterable
from typing import Any

import psycopg

from tripwire_db.schema.runner.errors import MigrationError


def refuse_losses(connection: psycopg.Connection[Any], steps: Iterable[Any]) -> None:
    """Refuse a downgrade that would lose rows or values, with counts.

    Args:
        connection: In autocommit; only looked with.
        steps: Of the command. A revision declares its losses in `LOSSES`, each with `what` and `rows` (everything after
            `SELECT count(*)`).

    Raises:
        MigrationError: Something would be lost.
    """
    lost: list[str] = []
    for step in steps:
        if getattr(step, "revision", None) is None or step.is_upgrade:
            continue
        for loss in getattr(step.revision.module, "LOSSES", ()):
            try:
                row = connection.execute(f"SELECT count(*) {loss.rows}").fetchone()
            except psycopg.ProgrammingError:
                continue  # speaks of the layout at its own revision, which counts for itself
            if row is not None and row[0]:
                lost.append(f"{row[0]} {loss.what}")
    if lost:
        raise MigrationError(
            f"This downgrade would lose: {'; '.join(lost)}. Take a backup, then run it again with -x accept-loss=yes."
        )
