"""Passwords come by standard input, where neither `ps` nor the shell's history sees them."""

import sys

import typer

from tripwire_db.errors import InvalidInput


def read_password(wanted: bool) -> str | None:
    """The first line of standard input, asked for without echo on a terminal; None where no password is wanted.

    Raises:
        InvalidInput: nothing was given.
    """
    if not wanted:
        return None
    if sys.stdin.isatty():
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InvalidInput("--password-stdin was given, and standard input has no password in its first line")
    return password
