"""What a revision may not leave behind: its transaction ended by itself, or settings that reach the revisions after it.

A statement that says so is refused before it runs. What is put together at run time, or sent past SQLAlchemy, shows in the
session once the revision is committed: the run then stops, and says so.
"""

import re
from collections.abc import Mapping
from typing import Any

import psycopg

from tripwire_db.schema.runner.errors import MigrationError, shorten
from tripwire_db.schema.statements import statements

_TRANSACTION = re.compile(
    r"(begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!(\s+(work|transaction))?\s+to\b))\b",
    re.IGNORECASE,
)
_LEAKS = re.compile(
    r"(set\s+(?!local\b|transaction\b|constraints\b)|reset\b|discard\b(?!\s+(plans|sequences)\b))", re.IGNORECASE
)

# What show only the transaction at work (transaction_…) is no state of the session.
_STATE = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE context IN ('user', 'superuser')
    AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')
UNION ALL SELECT 'session_authorization', session_user
UNION ALL SELECT 'role', current_user
"""

ACCEPT = 'LINT = {"session-settings": "the reason"}'
"""What a revision says that leaves settings on purpose, for example one that is frozen: the runner puts them back."""


def accepted_by(step: Any) -> frozenset[str]:
    """Give the rules that a step's revision breaks on purpose (its `LINT`)."""
    module = getattr(getattr(step, "revision", None), "module", None)
    return frozenset(getattr(module, "LINT", ()))


def transaction_control(sql: str) -> str | None:
    """Find a statement that begins or ends a transaction; savepoints do neither.

    Examples:
        >>> transaction_control("SELECT 1; COMMIT AND CHAIN")
        'COMMIT AND CHAIN'
    """
    return next((s.sql for s in statements(sql) if not s.inside and _TRANSACTION.match(s.masked)), None)


def lasting_setting(sql: str) -> str | None:
    """Find a statement that changes a setting beyond its transaction, in a DO block too.

    Examples:
        >>> lasting_setting("SET LOCAL work_mem = '1GB'; SET work_mem = '1GB'")
        "SET work_mem = '1GB'"
    """
    return next((s.sql for s in statements(sql) if _LEAKS.match(s.masked)), None)


def refuse_statement(sql: str, name: str, accepted: frozenset[str]) -> None:
    """Refuse what a revision must not run.

    Args:
        sql: Of one call; may hold several statements.
        name: Of the step.
        accepted: The rules that the revision breaks on purpose.

    Raises:
        MigrationError: It ends its transaction, or changes a setting for the revisions after it.
    """
    if found := transaction_control(sql):
        raise MigrationError(
            f"{name} says {shorten(found, 80)}: the runner makes one transaction for each revision, so that a failure "
            "leaves nothing half done. Take it out.",
            rule="transaction",
            statement=found,
        )
    if "session-settings" not in accepted and (found := lasting_setting(sql)):
        raise MigrationError(
            f"{name} says {shorten(found, 80)}: that would reach the revisions after it. Write SET LOCAL; a revision "
            f"that may not be edited says {ACCEPT}, and the runner puts the settings back.",
            rule="session-settings",
            statement=found,
        )


class SessionState:
    """The settings of the migrating session, as they are before the first revision."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Read them; the connection is in no transaction, here and below."""
        self._connection = connection
        self._before = self._read()

    def settle(self, step: Any, name: str) -> None:
        """Look what a revision, now committed, has left; put it back where that is accepted.

        Raises:
            MigrationError: It has left settings behind.
        """
        after = self._read()
        left = {key: value for key, value in self._before.items() if after.get(key) != value}
        if not left:
            return
        if "session-settings" in accepted_by(step):
            self._put_back(left)
            return
        told = ", ".join(f"{key} = {shorten(after.get(key) or 'nothing', 60)}" for key in sorted(left))
        raise MigrationError(
            f"{name} is committed and leaves settings in the session that would reach the revisions after it: {told}. "
            f"None of those has run. Write SET LOCAL; a revision that may not be edited says {ACCEPT}, and the runner "
            "puts the settings back.",
            rule="session-settings",
        )

    def _read(self) -> dict[str, str]:
        try:
            return dict(self._connection.execute(_STATE).fetchall())
        finally:
            self._connection.rollback()

    def _put_back(self, left: Mapping[str, str]) -> None:
        if left.keys() & {"role", "session_authorization"}:
            self._connection.execute("RESET SESSION AUTHORIZATION")
            self._connection.execute("RESET ROLE")
        for key in left.keys() - {"role", "session_authorization"}:
            self._connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (key, left[key]))
        self._connection.commit()
