"""How a command ends: exit codes, and one message on standard error for whatever went wrong, never a traceback.

0 good · 1 found something, or refused · 2 wrong use. `TRIPWIRE_TRACEBACK=1` shows where an error came from.
"""

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from tripwire_db.cli.output import note
from tripwire_db.errors import InvalidInput, TripwireError
from tripwire_db.safe_text import printable, without_passwords

FOUND = 1
"""Exit code: something was found (pending revisions, a certificate that is not valid), or refused."""
WRONG_USE = 2
_RECURSION_LIMIT = 10_000
_NOT_WRITTEN = {errno.ENOSPC, errno.EDQUOT}

# Whichever Click Typer carries: what its usage errors, BadParameter among them, have in common.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


class CommandLine(TyperGroup):
    """The root of all commands; every error of theirs is told here, in one place."""

    def get_params(self, ctx: Any) -> Any:
        """The options before a command; a flag takes no value, and its help shows none."""
        return _without_types(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command, whose flags show no type either."""
        command = super().get_command(ctx, cmd_name)
        for one in (command, *getattr(command, "commands", {}).values()):
            if one is not None:
                _without_types(one.get_params(ctx))
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the arguments that stand before a command."""
        with report_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        # Details of log rows that older releases took are nested as deep as Python's own limit, and are to be printed.
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION_LIMIT))
        with report_errors():
            return super().invoke(ctx)


def _without_types(parameters: Any) -> Any:
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    return parameters


@contextmanager
def report_errors() -> Iterator[None]:
    """Print an error as one message and end with its exit code; TRIPWIRE_TRACEBACK raises it instead."""
    try:
        yield
    except _UsageError as error:
        # Typer shows it with the usage, and it may quote an argument that was meant for somewhere else.
        error.message = printable(without_passwords(getattr(error, "message", "")))  # type: ignore[attr-defined]
        raise
    except KeyboardInterrupt as interrupted:
        number = getattr(interrupted, "number", signal.SIGINT)  # of a migration that has said where it stands
        if number == signal.SIGINT:
            raise
        raise typer.Exit(128 + number) from None
    except Exception as error:
        if _is_typers_own(error) or isinstance(error, BrokenPipeError) or os.environ.get("TRIPWIRE_TRACEBACK"):
            raise
        message, code = _message_and_code(error)
        _fail(message, code)


def _is_typers_own(error: Exception) -> bool:
    """Whether it is Typer's way of ending a command, or an error that Typer tells by itself."""
    return isinstance(error, typer.Exit | typer.Abort) or hasattr(error, "format_message")


def _message_and_code(error: Exception) -> tuple[str, int]:
    if isinstance(error, InvalidInput):
        return str(error), WRONG_USE
    if isinstance(error, TripwireError) or _comes_from(error, "alembic.util.exc", "CommandError"):
        return str(error), FOUND
    if _comes_from(error, "sqlalchemy.exc", "DBAPIError"):
        error = getattr(error, "orig", None) or error
    if _comes_from(error, "psycopg", "Error"):
        return _of_the_driver(error), FOUND
    if isinstance(error, OSError) and error.errno in _NOT_WRITTEN and error.filename is None:
        return f"what the command prints could not be written: {error.strerror}", FOUND
    return (
        f"{type(error).__name__}: {error}. This should not happen: run it again with TRIPWIRE_TRACEBACK=1 and report "
        "what it shows",
        FOUND,
    )


def _of_the_driver(error: Any) -> str:
    from tripwire_db.postgres.errors import unreachable

    if error.sqlstate is None:
        return unreachable(error)
    return f"the database refused: {error.diag.message_primary} (SQLSTATE {error.sqlstate}); nothing was changed"


def _comes_from(error: Exception, module: str, name: str) -> bool:
    """Whether it is an instance of a class whose module may not even be loaded."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(error, kind)


def _fail(message: str, code: int) -> NoReturn:
    note(without_passwords(message), label="Error")
    raise typer.Exit(code) from None
