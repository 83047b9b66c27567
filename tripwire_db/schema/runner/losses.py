"""Counts what a downgrade over several revisions would lose, before its first one: none is taken back in vain.

Each revision counts again, in its own transaction. Without this look ahead a downgrade would stop in the middle, with
row-level security, say, already gone.
"""

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import psycopg

from tripwire_db.schema.runner.errors import MigrationError

_ANOTHER_LAYOUT = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.DatatypeMismatch,
)


def refuse_losses(connection: psycopg.Connection[Any], steps: Iterable[Any]) -> None:
    """Refuse a downgrade that would lose rows or values, with counts.

    Args:
        connection: In autocommit; only looked with.
        steps: Of the command.

    Raises:
        MigrationError: Something would be lost.
    """
    lost = [
        f"{count} {what}"
        for step in steps
        if getattr(step, "revision", None) is not None and not step.is_upgrade
        for count, what in count_losses(connection, step.revision.module)
    ]
    if lost:
        raise MigrationError(
            f"This downgrade would lose: {'; '.join(lost)}. Take a backup, then run it again with -x accept-loss=yes."
        )


def count_losses(connection: psycopg.Connection[Any], module: ModuleType) -> Iterator[tuple[int, str]]:
    """Yield what the downgrade of a revision would lose, as in `(3, "certificates")`; what would lose nothing is left out.

    Args:
        connection: In autocommit, or in a transaction that goes on; only looked with.
        module: The revision's. It declares its losses in `LOSSES`, each with `what` and `rows` (everything after
            `SELECT count(*)`).
    """
    for loss in getattr(module, "LOSSES", ()):
        try:
            with connection.transaction():
                row = connection.execute(f"SELECT count(*) {loss.rows}").fetchone()
        except _ANOTHER_LAYOUT:
            continue  # speaks of the layout at its own revision, which counts for itself
        if row is not None and row[0]:
            yield row[0], loss.what
