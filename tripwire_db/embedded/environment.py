"""Keeps what libpq takes from the environment away from servers of our own.

A URL names host, port, user and database, and PGHOSTADDR, PGSERVICE, PGOPTIONS or PGSSLMODE still have a say: with the
first, the URL of a scratch server leads to somebody else's. Every program that is started inherits them, too.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_users = 0
_hidden: dict[str, str] = {}


def hide_libpq_settings() -> None:
    """Take every variable that begins with PG out of this process's environment, until `show_libpq_settings`.

    With PGSERVICE, PGSERVICEFILE and PGSYSCONFDIR gone, no service file is read; a password file is only asked where a
    server asks for a password, which ours do not over their socket, and which their URL has over TCP. May be called
    again while they are hidden: as many calls show them.
    """
    global _users  # noqa: PLW0603 - the environment is the process's, and so is who uses it
    with _lock:
        _users += 1
        for name in [name for name in os.environ if name.startswith("PG")]:
            _hidden[name] = os.environ.pop(name)


def show_libpq_settings() -> None:
    """Give back what was hidden, once nobody needs it hidden; what was set meanwhile stays."""
    global _users  # noqa: PLW0603 - as above
    with _lock:
        _users -= 1
        if _users == 0:
            for name, value in _hidden.items():
                os.environ.setdefault(name, value)
            _hidden.clear()


@contextmanager
def hidden_libpq_settings() -> Iterator[None]:
    """Hide libpq's variables until the end of the block.

    Examples:
        >>> with hidden_libpq_settings():
        ...     "PGHOSTADDR" in os.environ
        False
    """
    hide_libpq_settings()
    try:
        yield
    finally:
        show_libpq_settings()
