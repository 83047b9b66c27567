"""Looks at a database, in one snapshot, and writes nothing."""

import time
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import psycopg

from tripwire_db.postgres import connect as postgres
from tripwire_db.postgres.search_path import PIN
from tripwire_db.schema.doctor.damage import Damage
from tripwire_db.schema.doctor.kinds import BY_NAME, KINDS, Kind
from tripwire_db.schema.doctor.sources import Layout
from tripwire_db.schema.statement_timeout import statement_timeout, told_if_too_long
from tripwire_db.video import WatchPolicy

SETTLE_SECONDS = 2.0
"""How long an auth user that its rows don't follow is given: somebody may be in the middle of a creation, say."""
_LOOK_AGAIN_SECONDS = 0.1
_UNSETTLED = {name: BY_NAME[name] for name in ("half_made", "email_changed")}
"""Kinds that a call in the middle of its two steps looks like."""
_THRESHOLD = WatchPolicy().threshold


def examine(url: str, *, threshold: float = _THRESHOLD) -> tuple[Damage, ...]:
    """Find what is not as it should be; nothing is changed.

    One read-only transaction, one snapshot: what is going on meanwhile is no finding. An auth user without rows,
    or with another e-mail, is looked at for two seconds, since creating and deleting a student take two calls.

    Args:
        url: the database, as its owner or a role with BYPASSRLS; any pooler will do.
        threshold: the part of a lesson that qualifies, above 0 and up to 1: that of the repository's `WatchPolicy`.

    Returns:
        The findings, in the order in which `mend` goes; empty for a healthy database.

    Raises:
        Refused: the tables are not there, or row-level security hides their rows.
        Unavailable: the server cannot be reached, or a statement took too long.

    Examples:
        >>> [finding.kind for finding in examine(url)]
        ['email', 'profile_missing']
    """
    with connect(url) as connection:
        findings = _look(connection, threshold)
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and any(finding.kind in _UNSETTLED for finding in findings):
            time.sleep(_LOOK_AGAIN_SECONDS)  # another process's second call is no event that could be awaited
            still = {finding.identity for finding in _look(connection, threshold, kinds=tuple(_UNSETTLED.values()))}
            findings = tuple(f for f in findings if f.kind not in _UNSETTLED or f.identity in still)
        return findings


def connect(url: str) -> psycopg.Connection[Any]:
    """Open a connection for the doctor: in autocommit, nothing prepared, so that any pooler will do.

    Raises:
        Unavailable: the server cannot be reached.
    """
    return postgres.connect(url, autocommit=True, purpose="doctor")


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Make the transaction that is open ours: nothing of others is searched, and a statement has the time it needs."""
    connection.execute(PIN)
    # That of the role or the server is meant for applications, and would end a large repair in its middle.
    connection.execute(f"SET LOCAL statement_timeout = '{statement_timeout()}'")


def look(
    connection: psycopg.Connection[Any],
    layout: Layout,
    kinds: Iterable[Kind],
    *,
    threshold: float,
    only: Sequence[UUID] | None = None,
) -> list[Damage]:
    """Run the queries of some kinds in the transaction that is open; of some people, or of all."""
    parameters: dict[str, Any] = {"threshold": threshold}
    if only is not None:
        parameters["only"] = list(only)
    found: list[Damage] = []
    for kind in kinds:
        query = layout.query(kind.name, restricted=only is not None)
        for table, key, user_id, email, values, wanted, reason in connection.execute(query, parameters):
            finding = Damage(kind.name, table, key, user_id, email, values, wanted, reason)
            found.append(kind.refine(finding))
    return found


def _look(connection: psycopg.Connection[Any], threshold: float, kinds: Sequence[Kind] = KINDS) -> tuple[Damage, ...]:
    with told_if_too_long(), connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        prepare(connection)
        return tuple(look(connection, Layout.read(connection), kinds, threshold=threshold))
