"""What a driver's error means, in words for people; and the error as the cause of ours, without the values of rows."""

import psycopg


class DatabaseSaid(Exception):
    """What the database said. The driver's own error would carry DETAIL, and with it rows, into every traceback.

    Attributes:
        sqlstate: five characters; None where no server answered.
        statement: the SQL with its placeholders, where SQLAlchemy ran it.
    """

    def __init__(self, message: str, sqlstate: str | None, statement: str | None) -> None:
        self.sqlstate = sqlstate
        self.statement = statement
        super().__init__(message)


def without_rows(error: BaseException) -> BaseException:
    """The cause to show for an error: of a driver's, its class, its SQLSTATE, its message, and where it was raised.

    DETAIL repeats rows, and so may the text of a bad value (class 22) or of somebody's RAISE. Any other error is given
    back as it is.

    Examples:
        >>> raise EmailTaken("another user has this e-mail") from without_rows(error)
    """
    driver = getattr(error, "orig", error)  # SQLAlchemy's errors repeat the statement's parameters, too
    if not isinstance(driver, psycopg.Error):
        return error
    state = driver.sqlstate
    if state is None:
        said = str(driver).partition("\n")[0]
    elif state.startswith("22") or state == "P0001":
        said = f"SQLSTATE {state}"
    else:
        said = f"SQLSTATE {state}: {driver.diag.message_primary}"
    told = DatabaseSaid(f"{type(driver).__name__}: {said}", state, getattr(error, "statement", None))
    return told.with_traceback(error.__traceback__)


THE_URL = "the database URL"

# libpq gives no code for a connection that was refused, so here alone the text decides; it names no password.
_REFUSALS = {
    "tenant or user not found": "the pooler does not know this user: behind Supabase's pooler the user name is "
    "postgres.<project-ref>, on a direct connection it is postgres; compare the user, the project ref and the region of the host in {url} with "
    "the dashboard (Connect)",
    "(enotfound) tenant/user": "the pooler does not know this user: behind Supabase's pooler the user name is "
    "postgres.<project-ref>, on a direct connection it is postgres; compare the user, the project ref and the region of the host in {url} with "
    "the dashboard (Connect)",
    "password authentication failed": "the server refused user name or password: check user and password in {url}",
    "no password supplied": "the server asks for a password: put one into {url}",
    "no pg_hba.conf entry": "the server does not let this user in from here: check its pg_hba.conf, or sslmode in {url}",
    "server does not support ssl": "the server takes no encrypted connections, and sslmode in {url} asks for one: switch "
    "ssl on in the server, or go by a way that encrypts",
    "could not translate host name": "the host name in {url} is not known here",
    "failed to resolve host": "the host name in {url} is not known here",
}


# The same for what may pass by itself, so that it is worth trying again, and worth a word when that was in vain.
_PASSING = {
    "too many clients": "the server has no connection left: close some, raise its max_connections, or lower pool_size",
    "connection slots": "the server has no connection left: close some, raise its max_connections, or lower pool_size",
    "too many connections": "the server allows no more connections: close some, raise the limit, or lower pool_size",
    "max_client_conn": "the pooler allows no more connections: close some, raise its max_client_conn, or lower pool_size",
    "max clients reached": "the pooler allows no more connections: close some, raise its limit, or lower pool_size",
    "connection refused": "no server is there: start the server, or check host and port in {url}",
    "no such file or directory": "no server is there: start the server, or check host and port in {url}",
    "starting up": "the server is starting, stopping or recovering",
    "shutting down": "the server is starting, stopping or recovering",
    "recovery mode": "the server is starting, stopping or recovering",
}


def hinted(error: psycopg.Error) -> str:
    """What a lost or refused connection may mean, with the first line of what was said."""
    said = first_line(error)
    meaning = next((meaning for text, meaning in _PASSING.items() if text in str(error).lower()), None)
    return said if meaning is None else f"{meaning.format(url=THE_URL)} ({said})"


def explained(error: psycopg.Error, *, url: str = THE_URL) -> str | None:
    """What a refused connection means, where trying again will not help; None where it may.

    Args:
        error: of the driver, as it was raised.
        url: what the URL is called, as in "TRIPWIRE_MIGRATIONS_URL".
    """
    message = str(error).lower()
    if 'database "' in message and "does not exist" in message:
        return f"the server has no such database: check the end of {url}"
    return next((meaning.format(url=url) for text, meaning in _REFUSALS.items() if text in message), None)


def unreachable(error: psycopg.Error) -> str:
    """What to tell of a connection that could not be opened, or was lost, and what to do."""
    why = explained(error) or hinted(error)
    return f"the server could not be reached: {why}. Check that it runs and that the URL is right, then call again"


def first_line(error: psycopg.Error) -> str:
    """The first line of what was said; the rest may repeat rows."""
    return (str(error.diag.message_primary or error).strip().splitlines() or [type(error).__name__])[0]
