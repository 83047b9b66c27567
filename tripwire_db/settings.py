"""Settings from the environment, and the URLs of databases: read, normalised, and shown without their secrets."""

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tripwire_db.errors import InvalidInput

if TYPE_CHECKING:
    import sqlalchemy

_POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg_async")
_SECRET_PARAMETERS = re.compile(r"((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. Its repr shows no secret.

    Attributes:
        database_url: `TRIPWIRE_DATABASE_URL`, for the application; may be a transaction pooler.
        migrations_url: `TRIPWIRE_MIGRATIONS_URL`, a direct or session connection; falls back to `database_url`.
        transaction_pooler: True where `TRIPWIRE_POOLER=transaction`; None leaves it to the port (6543).
        supabase_url: `TRIPWIRE_SUPABASE_URL`, as in `https://<ref>.supabase.co`.
        service_role_key: `TRIPWIRE_SERVICE_ROLE_KEY`; there exactly when `supabase_url` is.
        redis_url: `TRIPWIRE_REDIS_URL`, for the cache of the leaderboard.
        certificate_url: `TRIPWIRE_CERTIFICATE_URL`, the base of certificate links, without a slash at its end.
        embedded_dir: `TRIPWIRE_EMBEDDED_DIR`, the embedded server's folder.

    Examples:
        >>> Settings.from_env({"TRIPWIRE_DATABASE_URL": "postgresql://app@localhost/course"}).migrations_url
        'postgresql://app@localhost/course'
    """

    database_url: str | None = field(default=None, repr=False)
    migrations_url: str | None = field(default=None, repr=False)
    transaction_pooler: bool | None = None
    supabase_url: str | None = None
    service_role_key: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    certificate_url: str | None = None
    embedded_dir: Path | None = None

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read and check the variables; empty ones count as not set.

        Args:
            environment: names to values; by default the process's own.

        Returns:
            The settings.

        Raises:
            InvalidInput: a variable cannot be right; it is named, with what to do, and never its value.
        """
        source = os.environ if environment is None else environment

        def value(name: str) -> str | None:
            return source.get(name, "").strip() or None

        database_url = _database_url("TRIPWIRE_DATABASE_URL", value("TRIPWIRE_DATABASE_URL"))
        migrations_url = _database_url("TRIPWIRE_MIGRATIONS_URL", value("TRIPWIRE_MIGRATIONS_URL"))
        supabase_url = _web_url("TRIPWIRE_SUPABASE_URL", value("TRIPWIRE_SUPABASE_URL"))
        service_role_key = _service_role_key(value("TRIPWIRE_SERVICE_ROLE_KEY"))
        if (supabase_url is None) != (service_role_key is None):
            missing = "TRIPWIRE_SUPABASE_URL" if supabase_url is None else "TRIPWIRE_SERVICE_ROLE_KEY"
            raise InvalidInput(f"{missing} is not set: Supabase Auth needs the project's URL and its service role key")
        embedded_dir = value("TRIPWIRE_EMBEDDED_DIR")
        return cls(
            database_url=database_url,
            migrations_url=migrations_url or database_url,
            transaction_pooler=_pooler(value("TRIPWIRE_POOLER")),
            supabase_url=supabase_url,
            service_role_key=service_role_key,
            redis_url=_redis_url(value("TRIPWIRE_REDIS_URL")),
            certificate_url=certificate_url_of(source),
            embedded_dir=Path(embedded_dir).absolute() if embedded_dir else None,
        )


def certificate_url_of(environment: Mapping[str, str]) -> str | None:
    """The base of certificate links, `TRIPWIRE_CERTIFICATE_URL`; None where it is not set.

    Raises:
        InvalidInput: it is no web address.
    """
    name = "TRIPWIRE_CERTIFICATE_URL"
    return _web_url(name, environment.get(name, "").strip() or None)


def libpq_url(url: str) -> str:
    """Bring a PostgreSQL URL into the form that libpq and psycopg take.

    Drivers named in the scheme are dropped, and a `%`, `@`, `:` or `/` that stands bare in the password is encoded.

    Args:
        url: `postgresql://` or `postgres://`, with or without `+psycopg`; sockets as `?host=/folder`; several hosts as
            `a:5432,b:5432`.

    Returns:
        The same, as `postgresql://…`.

    Raises:
        InvalidInput: it is no PostgreSQL URL. The message shows nothing of it but its scheme.

    Examples:
        >>> libpq_url("postgres://app:50%@home@db.example:5432/course")
        'postgresql://app:50%25%40home@db.example:5432/course'
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme not in _POSTGRES_SCHEMES:
        shown = f"begins with {scheme}://" if separator and re.fullmatch(r"[a-z0-9+.-]{1,32}", scheme) else "is no URL"
        raise InvalidInput(f"a database URL begins with postgresql://, and this one {shown}")
    if "\x00" in rest:
        raise InvalidInput("a database URL has no NUL bytes, and this one has")
    before_query, question_mark, query = rest.partition("?")
    credentials, at, location = before_query.rpartition("@")
    user, colon, password = credentials.partition(":")
    encoded = quote(unquote(user), safe="") + colon + quote(unquote(password), safe="") + at
    return f"postgresql://{encoded}{location}{question_mark}{query}"


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
    import psycopg
    import sqlalchemy
    from psycopg.conninfo import conninfo_to_dict

    normal = libpq_url(url)
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(normal).items() if value is not None}
    except psycopg.Error:  # libpq's message would quote a piece of the URL, perhaps of the password
        raise InvalidInput(_what_libpq_dislikes(normal)) from None
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
    before_query, question_mark, query = rest.partition("?")
    if "@" in query and "@" not in before_query:  # a bare question mark in the password
        before_query, question_mark, query = rest, "", ""
    credentials, at, location = before_query.rpartition("@")
    user, colon, _ = credentials.partition(":")
    masked = user + (":***" if colon else "") + at
    return f"{scheme}://{masked}{location}{question_mark}" + _SECRET_PARAMETERS.sub(r"\1***", query)


def _database_url(name: str, url: str | None) -> str | None:
    if url is None:
        return None
    try:
        sqlalchemy_url(url)
        return libpq_url(url)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from None


def _what_libpq_dislikes(url: str) -> str:
    query = urlsplit(url.rpartition("@")[2]).query if "@" in url else urlsplit(url).query
    names = ", ".join(name for name, _ in parse_qsl(query, keep_blank_values=True))
    return (
        "libpq cannot read this database URL: write it as postgresql://user:password@host:port/database, with the "
        "password percent-encoded" + (f", and look at its parameters ({names})" if names else "")
    )


def _web_url(name: str, url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise InvalidInput(f"{name} is no web address; write it as https://host/path")
    return url.rstrip("/")


def _redis_url(url: str | None) -> str | None:
    if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
        raise InvalidInput("TRIPWIRE_REDIS_URL is no Redis URL; write it as redis://host:6379/0, rediss:// or unix://")
    return url


def _pooler(mode: str | None) -> bool | None:
    if mode is None:
        return None
    if mode != "transaction":
        raise InvalidInput("TRIPWIRE_POOLER knows one value, transaction; unset it for a direct or session connection")
    return True


def _service_role_key(key: str | None) -> str | None:
    """Refuse the keys that are meant for browsers: with them every call to the Admin API fails, and late."""
    if key is not None and (key.startswith("sb_publishable_") or _role_in(key) not in {None, "service_role"}):
        raise InvalidInput(
            "TRIPWIRE_SERVICE_ROLE_KEY holds a key for browsers; take the service role (secret) key of the project"
        )
    return key


def _role_in(token: str) -> str | None:
    """Read the role claim of a legacy key, which is a JWT; None for other keys."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    role = claims.get("role") if isinstance(claims, dict) else None
    return role if isinstance(role, str) else None
