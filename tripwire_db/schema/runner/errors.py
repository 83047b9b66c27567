"""Errors of a migration, told to the person at the terminal in one message."""

import traceback
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from alembic.util import CommandError

from tripwire_db.safe_text import printable, without_passwords


class MigrationError(CommandError):
    """A command that could not be carried out; the message says why, what remains and what to do.

    Alembic prints it as one line, "FAILED: …", and exits with a code other than 0. Messages are ASCII, since Alembic
    prints `?` for what a terminal's encoding does not have.

    Attributes:
        rule: The rule of `check` that a revision broke, where it is refused for that.
        statement: The SQL that broke it.
    """

    def __init__(self, message: str, *, rule: str | None = None, statement: str | None = None) -> None:
        """Make it of a message that may repeat what others wrote: objects' names, other sessions, arguments."""
        self.rule = rule
        self.statement = statement
        super().__init__(without_passwords(printable(message)))


def driver_error(error: BaseException) -> psycopg.Error | None:
    """Return the driver's error behind SQLAlchemy's, or None where the database had no part in it."""
    inner = getattr(error, "orig", error)
    return inner if isinstance(inner, psycopg.Error) else None


def describe(error: BaseException, advice: Mapping[str, str] = MappingProxyType({})) -> str:
    """Say what went wrong, in one line save for what a revision has laid out itself.

    A DETAIL repeats values of rows, which do not belong in a log, unless someone wrote it on purpose (RAISE … DETAIL)
    or it is about objects, not rows.

    Args:
        error: Of the driver, of SQLAlchemy, or of the revision's own Python.
        advice: What to do, by SQLSTATE.
    """
    error = _cause(error)
    inner = driver_error(error)
    if inner is None:
        return _elsewhere(error)
    diag = inner.diag
    if diag.message_primary is None:
        return _one_line(str(inner))
    raised = diag.source_function == "exec_stmt_raise"
    parts = [diag.message_primary]
    about_rows = (diag.sqlstate or "").startswith(("22", "23")) and not raised
    if diag.message_detail and not about_rows:
        parts.append(diag.message_detail)
    if diag.message_hint:
        parts.append(f"Hint: {diag.message_hint}")
    where = " ".join(
        f"{what} {name}" for what, name in (("table", _table(diag)), ("constraint", diag.constraint_name)) if name
    )
    parts.append(f"[SQLSTATE {diag.sqlstate}{', ' + where if where else ''}]")
    if hint := advice.get(diag.sqlstate or ""):
        parts.append(hint)
    statement = getattr(error, "statement", None)
    if statement and not raised:
        parts.append(f"The statement: {shorten(statement)}")
    # What a revision raises was written to be read as it stands, a list of rows for example.
    return " ".join(part if raised else _one_line(part) for part in parts)


def shorten(sql: str | None, limit: int = 200) -> str:
    """Put a statement on one line of at most `limit` characters."""
    line = _one_line(sql or "")
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _cause(error: BaseException) -> BaseException:
    """Find the database's error behind one that came of tidying up after it."""
    found: BaseException | None = error
    while found is not None and driver_error(found) is None:
        found = None if isinstance(found, CommandError) else found.__context__
    return found or error


def _table(diag: Any) -> str | None:
    if not diag.table_name:
        return None
    return f"{diag.schema_name}.{diag.table_name}" if diag.schema_name else str(diag.table_name)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _elsewhere(error: BaseException) -> str:
    """An error of the revision's own Python: where it happened, since no traceback follows."""
    if isinstance(error, CommandError):
        return _one_line(str(error))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "versions" in Path(frame.filename).parts]
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {_one_line(str(error))}{place}"
