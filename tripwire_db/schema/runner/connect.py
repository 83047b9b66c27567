"""Opens connections for migrations, and says in plain words why one could not be opened."""

import getpass
import os
import socket
from typing import Any

import psycopg

from tripwire_db.postgres.errors import explained
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.target import Target

CONNECT_SECONDS = 15


def connect(target: Target, command: str, *, seconds: int = CONNECT_SECONDS) -> psycopg.Connection[Any]:
    """Open a connection in autocommit, named after the command so that others can see who it is.

    No start-up `options` are sent, since poolers refuse them; nothing is prepared, since DDL makes plans stale.

    Args:
        target: The database.
        command: What is being done, for pg_stat_activity.
        seconds: How long to try, where the URL says nothing of its own.

    Raises:
        MigrationError: The database cannot be reached; the message says what to look at.
    """
    parameters = {"connect_timeout": seconds, "application_name": _name(command), **target.parameters}
    try:
        return psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise MigrationError(_explain(target, error)) from None


def _explain(target: Target, error: psycopg.Error) -> str:
    said = target.mask(" ".join(str(error).split())).rstrip(".")
    told = f"Cannot connect to {target} (URL from {target.source}): {said}"
    meaning = explained(error, url=target.source)
    return told if meaning is None else f"{told}. That is: {meaning}."


def _name(command: str) -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = str(os.getuid())
    return f"tripwire-db {command} by {user}@{socket.gethostname()} pid {os.getpid()}"[:63]
