"""Opens connections for migrations, and says in plain words why one could not be opened."""

import getpass
import json
import os
import socket
from typing import Any

import psycopg

from tripwire_db.postgres.errors import explained
from tripwire_db.postgres.waiting import LateError, bounded
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.target import Target

CONNECT_SECONDS = 15

_SESSION = {
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",  # from PostgreSQL 17 on
    "default_transaction_isolation": "read committed",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
}
_SET_WHERE_OTHERWISE = """
SELECT pg_catalog.set_config(s.name, w.value, false)
FROM pg_catalog.pg_settings AS s
JOIN pg_catalog.json_each_text(%s::pg_catalog.json) AS w (name, value)
    ON s.name OPERATOR(pg_catalog.=) w.name AND s.setting OPERATOR(pg_catalog.<>) w.value
"""
_SILENCED = """
SELECT s.name, w.value
FROM pg_catalog.pg_settings AS s
JOIN (VALUES ('session_replication_role', 'replica', 'origin'), ('event_triggers', 'off', 'on')) AS w (name, silent, value)
    ON s.name OPERATOR(pg_catalog.=) w.name AND s.setting OPERATOR(pg_catalog.=) w.silent
"""


class _Connection(psycopg.Connection[Any]):
    """A connection whose answers may be waited for with an end.

    Attributes:
        answer_within: Seconds; None waits for ever, as psycopg does.
    """

    answer_within: float | None = None

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """As psycopg's."""
        return super().wait(
            gen if self.answer_within is None else bounded(gen, self.answer_within), *arguments, **options
        )


def connect(target: Target, command: str, *, seconds: int = CONNECT_SECONDS) -> psycopg.Connection[Any]:
    """Open a connection in autocommit, named after the command so that others can see who it is.

    No start-up `options` are sent, since poolers refuse them; nothing is prepared, since DDL makes plans stale. A pooler
    that has no session to lend says nothing, so the first answer is waited for as long as the connection is.

    Args:
        target: The database.
        command: What is being done, for pg_stat_activity.
        seconds: How long to try, where the URL says nothing of its own.

    Raises:
        MigrationError: The database cannot be reached; the message says what to look at.
    """
    parameters = {"connect_timeout": seconds, "application_name": _name(command), **target.parameters}
    parameters["client_encoding"] = "UTF8"  # not the role's, nor that of PGCLIENTENCODING
    try:
        connection = _Connection.connect(**parameters, autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise MigrationError(_explain(target, error)) from None
    try:
        connection.answer_within = float(parameters["connect_timeout"]) or None
        connection.execute("SELECT")
        connection.answer_within = None
    except LateError:
        connection.close()
        raise MigrationError(
            f"{target} (URL from {target.source}) lets this client in and gives no answer: as a rule a pooler that has no "
            "server session left. Wait until others have ended, raise its pool size, or use a direct connection."
        ) from None
    except psycopg.Error as error:
        connection.close()
        raise MigrationError(_explain(target, error)) from None
    return connection


def settle(connection: psycopg.Connection[Any], search_path: str | None) -> None:
    """Make a session that is our own, and no pooler's, independent of what its role has set for itself.

    Time-outs would end it in a pause; the rest changes what a revision means.

    Args:
        connection: In autocommit.
        search_path: To keep what others have made off it; None leaves the role's.
    """
    if search_path:
        connection.execute(f"SET search_path = {search_path}".encode())
    connection.execute(_SET_WHERE_OTHERWISE, (json.dumps(_SESSION),))


def wake_triggers(connection: psycopg.Connection[Any]) -> list[str]:
    """Let triggers fire in a session whose role has silenced them: those of foreign keys, and PostgREST's.

    Args:
        connection: In autocommit.

    Returns:
        The settings that still silence them, which this role may not change.
    """
    silent = []
    for name, value in connection.execute(_SILENCED).fetchall():
        try:
            connection.execute(f"SET {name} = {value}".encode())
        except psycopg.errors.InsufficientPrivilege:
            silent.append(name)
    return silent


def _explain(target: Target, error: psycopg.Error) -> str:
    said = target.mask(" ".join(str(error).split())).rstrip(".")
    told = f"Cannot connect to {target} (URL from {target.source}): {said}"
    meaning = explained(error, url=target.url_name)
    return told if meaning is None else f"{told}. That is: {meaning}."


def _name(command: str) -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = str(os.getuid())
    return f"tripwire-db {command} by {user}@{socket.gethostname()} pid {os.getpid()}"[:63]
