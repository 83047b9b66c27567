"""Tells a transaction pooler from a session of one's own, and refuses it.

Behind a transaction pooler a session advisory lock is left behind on a server connection that belongs to nobody, and
SET reaches strangers: no migration can be safe there.
"""

import os
import secrets
from contextlib import ExitStack
from typing import Any

import psycopg

from tripwire_db.schema.runner.connect import connect
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.target import Target

SUPABASE_TRANSACTION_PORT = "6543"
_OTHERS = 3
_PROBES = 5
_PROBE_SECONDS = 3


def refuse_known_pooler(target: Target) -> None:
    """Refuse what needs no connection to be recognised: Supabase's port 6543, or TRIPWIRE_POOLER=transaction.

    Raises:
        MigrationError: It is a transaction pooler.
    """
    if SUPABASE_TRANSACTION_PORT in target.ports:
        raise MigrationError(_refusal(target, "port 6543 is Supabase's transaction pooler"))
    told = os.environ.get("TRIPWIRE_POOLER", "").strip().lower() == "transaction"
    if told and target.source == target.variables[-1]:  # the variable speaks of this URL alone
        raise MigrationError(_refusal(target, "TRIPWIRE_POOLER=transaction says that it is one"))


def refuse_transaction_pooler(connection: psycopg.Connection[Any], target: Target) -> None:
    """Refuse a connection whose statements may reach different servers sessions.

    A direct connection costs one query. Behind any pooler the backend's pid differs from the one that was announced;
    then a random setting is made here, and looked for in open transactions of up to three more connections, as far as the
    pooler has sessions for them: where one of them sees it, or this connection has lost it, server sessions are shared.

    Raises:
        MigrationError: It is a transaction (or statement) pooler.
    """
    row = connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
    if row is None or row[0] == connection.info.backend_pid:
        return
    mark = secrets.token_hex(16)
    connection.execute("SELECT pg_catalog.set_config('tripwire.probe', %s, false)", (mark,))
    with ExitStack() as others:
        seen: bool | None = False
        for _ in range(_OTHERS):
            seen = _sees(others, target, mark)
            if seen is not False:
                break
        shared = seen or any(_probe(connection) != mark for _ in range(_PROBES))
    if shared:
        raise MigrationError(_refusal(target, "its connections share server sessions"))
    connection.execute("RESET tripwire.probe")


def _sees(others: ExitStack, target: Target, mark: str) -> bool | None:
    """Look for the mark in a transaction that stays open, so that the next connection gets another session.

    None where no session is left: a session pooler's; a transaction pooler would have lent ours, which is idle.
    """
    try:
        other = others.enter_context(connect(target, "probe", seconds=_PROBE_SECONDS))
        other.execute("BEGIN")  # keeps the server session that has just answered
        if _probe(other) != mark:
            return False
        other.execute("RESET tripwire.probe")
        other.execute("COMMIT")
    except MigrationError:
        return None
    except psycopg.Error:  # statement pooling refuses BEGIN
        return True
    return True


def _probe(connection: psycopg.Connection[Any]) -> str | None:
    row = connection.execute("SELECT pg_catalog.current_setting('tripwire.probe', true)").fetchone()
    return None if row is None else row[0]


def _refusal(target: Target, why: str) -> str:
    variables = target.variables
    application = f"; the application may keep this one in {variables[-1]}" if variables[1:] else ""
    return (
        f"{target} (URL from {target.source}) is a transaction pooler: {why}. Migrations need a session of their own "
        f"(SET and advisory locks do not hold here). Set {variables[0]} to a direct connection "
        "(db.<ref>.supabase.co:5432, user postgres) or a session pooler (*.pooler.supabase.com:5432, user "
        f"postgres.<ref>){application}."
    )
