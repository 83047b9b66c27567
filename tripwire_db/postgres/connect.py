"""One-off connections: opened for a look or a transaction, and closed again."""

from typing import TYPE_CHECKING, Any

from tripwire_db.errors import Unavailable
from tripwire_db.postgres.errors import unreachable, without_rows
from tripwire_db.postgres.url import libpq_url, parse

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS = 10
"""How long a connection is tried for, where the URL says nothing of its own."""


def connect(url: str, *, autocommit: bool = False, purpose: str | None = None) -> "psycopg.Connection[Any]":
    """Open a connection that any pooler will do for: nothing is prepared, no start-up options are sent but the encoding.

    Args:
        url: of the database, see `tripwire_db.postgres.url.libpq_url`.
        autocommit: whether each statement is a transaction of its own; else `with` commits at its end.
        purpose: what it is for, shown as application_name where the URL gives none.

    Raises:
        InvalidInput: it is no PostgreSQL URL, or cannot be read.
        Unavailable: the server cannot be reached, or refuses; the message says why, and nothing of the password.

    Examples:
        >>> with connect("postgresql://postgres@/course?host=/run/postgresql") as connection:
        ...     connection.execute("SELECT 1").fetchone()
        (1,)
    """
    import psycopg

    parameters: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    if purpose is not None:
        parameters["application_name"] = f"tripwire-db {purpose}"
    try:
        parameters |= {**parse(libpq_url(url)), "client_encoding": "UTF8"}
        return psycopg.connect(**parameters, autocommit=autocommit, prepare_threshold=None)
    except psycopg.Error as error:
        raise Unavailable(unreachable(error), applied=False) from without_rows(error)
