"""URLs of databases: read, normalised, and shown without their secrets."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from tripwire_db.errors import InvalidInput

if TYPE_CHECKING:
    import sqlalchemy

_SCHEME = re.compile(r"(?:postgres|postgresql)(?:\+\w+)?://", re.IGNORECASE)
_SECRET_PARAMETERS = re.compile(r"((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.IGNORECASE)


def parse(url: str) -> dict[str, str]:
    """Take a URL, or a connection string of keywords, apart as libpq does.

    Args:
        url: see `libpq_url`; or as in `host=db.example dbname=course`.

    Returns:
        What libpq calls it (host, port, user, password, dbname, sslmode …) to its value, the password included.

    Raises:
        InvalidInput: libpq cannot read it. The message shows nothing of it but its scheme and its parameters' names.

    Examples:
        >>> parse("postgresql://app@db.example/course")["host"]
        'db.example'
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    text = url.strip()
    normal = text if _is_keywords(text) else libpq_url(text)
    try:
        return {name: str(value) for name, value in conninfo_to_dict(normal).items() if value is not None}
    except psycopg.Error:  # libpq's message would quote a piece of the URL, perhaps of the password
        raise InvalidInput(_what_libpq_dislikes(normal)) from None


def libpq_url(url: str) -> str:
    """Bring a PostgreSQL URL into the form that libpq and psycopg take.

    Drivers named in the scheme are dropped, and a `%`, `@`, `:` or `/` that stands bare in the password is encoded.

    Args:
        url: `postgresql://` or `postgres://`, with or without `+psycopg`; sockets as `?host=/folder`; several hosts as
            `a:5432,b:5432`. Or a connection string of keywords, as in `service=course`.

    Returns:
        The same, as `postgresql://…`.

    Raises:
        InvalidInput: it is no PostgreSQL URL. The message shows nothing of it but its scheme.

    Examples:
        >>> libpq_url("postgres://app:50%@home@db.example:5432/course")
        'postgresql://app:50%25%40home@db.example:5432/course'
    """
    text = url.strip()
    if _is_keywords(text):
        given = parse(text)
        return "postgresql://" + (f"?{urlencode(given, quote_via=quote)}" if given else "")
    match = _SCHEME.match(text)
    if match is None:
        scheme, separator, _ = text.partition("://")
        shown = f"begins with {scheme}://" if separator and re.fullmatch(r"[a-z0-9+.-]{1,32}", scheme) else "is no URL"
        raise InvalidInput(f"a database URL begins with postgresql://, and this one {shown}")
    rest = text[match.end() :]
    if "\x00" in rest:
        raise InvalidInput("a database URL has no NUL bytes, and this one has")
    credentials, at, location = _split(rest)
    user, colon, password = credentials.partition(":")
    return f"postgresql://{_encoded(user)}{colon}{_encoded(password)}{at}{location}"


def sqlalchemy_url(url: str) -> "sqlalchemy.URL":
    """Give the URL of a database as SQLAlchemy's, with psycopg 3 as the driver.

    libpq itself takes the URL apart, so whatever `psql` understands is understood here.

    Args:
        url: see `libpq_url`.

    Returns:
        A URL for `create_engine` and `create_async_engine`; printing it masks the password.

    Raises:
        InvalidInput: it is no PostgreSQL URL, or has a parameter that libpq does not know.

    Examples:
        >>> str(sqlalchemy_url("postgresql://app:secret@/course?host=/run/postgresql"))
        'postgresql+psycopg://app:***@/course?host=%2Frun%2Fpostgresql'
    """
    import sqlalchemy

    parts = parse(libpq_url(url))
    user, password, database = (parts.pop(name, None) for name in ("user", "password", "dbname"))
    host, port = parts.get("host", ""), parts.get("port", "")
    if host and not host.startswith(("/", "@")) and "," not in host and (not port or port.isdigit()):
        del parts["host"]
        parts.pop("port", None)
        return sqlalchemy.URL.create(
            "postgresql+psycopg", user, password, host, int(port) if port else None, database, parts
        )
    return sqlalchemy.URL.create("postgresql+psycopg", user, password, database=database, query=parts)


def mask_url(url: str) -> str:
    """Hide the secrets of a URL (or of a libpq connection string), for messages and logs.

    Args:
        url: of any scheme, well formed or not.

    Returns:
        The same with `***` for each password.

    Examples:
        >>> mask_url("postgresql://app:50%@home@db.example/course?sslmode=require")
        'postgresql://app:***@db.example/course?sslmode=require'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _SECRET_PARAMETERS.sub(r"\1***", url)
    credentials, at, location = _split(rest)
    user, colon, _ = credentials.partition(":")
    masked = user + (":***" if colon else "") + at
    return f"{scheme}://{masked}" + _SECRET_PARAMETERS.sub(r"\1***", location)


def place_of(parameters: Mapping[str, str]) -> str:
    """Name a database for people: user, host, port and name, and nothing of the password.

    Examples:
        >>> place_of(parse("postgresql://app:secret@db.example:5432/course"))
        'app@db.example:5432/course'
    """
    user, port = parameters.get("user"), parameters.get("port")
    if "service" in parameters and "host" not in parameters:
        return f"service {parameters['service']}"
    place = f"{parameters.get('host') or 'local socket'}{f':{port}' if port else ''}"
    return f"{f'{user}@' if user else ''}{place}/{parameters.get('dbname') or user or ''}"


def mask_secret(text: str, parameters: Mapping[str, str]) -> str:
    """Replace the password of a connection in a text, however it is written there.

    One that is also a public part of the URL ("postgres") is only replaced where it stands as a password.

    Args:
        text: of somebody else: a server's message, a statement.
        parameters: of the connection, as `parse` gives them.
    """
    secret = parameters.get("password")
    if not secret:
        return text
    public = {value for key, value in parameters.items() if key != "password"}
    for form in {secret, quote(secret, safe=""), quote(secret), secret.replace("%", "%%")}:
        text = text.replace(f":{form}@", ":***@").replace(f"password={form}", "password=***")
        if form not in public and len(form) > 2:
            text = text.replace(form, "***")
    return text


def _is_keywords(text: str) -> bool:
    """Whether this is a connection string of keywords, as in `host=db.example dbname=course`."""
    return "://" not in text.partition("=")[0] and re.match(r"\s*[a-z_]+\s*=", text) is not None


def _split(rest: str) -> tuple[str, str, str]:
    """Split what follows the scheme into credentials, `@`, and all that comes after; a password may hold `@`, `/`, `?`."""
    head, question, query = rest.partition("?")
    if ":" in head and not {"@", "/"} & set(head) and "@" in query:  # a bare question mark in the password
        before, at, after = rest.rpartition("@")
        return before, at, after
    credentials, at, place = head.rpartition("@")
    return credentials, at, f"{place}{question}{query}"


def _encoded(part: str) -> str:
    return quote(unquote(part), safe="")


def _what_libpq_dislikes(url: str) -> str:
    query = urlsplit(url.rpartition("@")[2]).query if "@" in url else urlsplit(url).query
    names = ", ".join(name for name, _ in parse_qsl(query, keep_blank_values=True))
    return (
        "libpq cannot read this database URL: write it as postgresql://user:password@host:port/database, with the "
        "password percent-encoded" + (f", and look at its parameters ({names})" if names else "")
    )
