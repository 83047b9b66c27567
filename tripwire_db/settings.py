"""Settings from the environment: read, checked, and shown without their secrets."""

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tripwire_db.errors import InvalidInput
from tripwire_db.postgres.url import libpq_url, mask_url, sqlalchemy_url

__all__ = ["Settings", "certificate_url_of", "libpq_url", "mask_url", "sqlalchemy_url"]

# That of validation, which the tools of the schema door do not load.
MAX_POOL_SIZE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. Its repr shows no secret.

    Attributes:
        database_url: `TRIPWIRE_DATABASE_URL`, for the application; may be a transaction pooler.
        migrations_url: `TRIPWIRE_MIGRATIONS_URL`, a direct or session connection; falls back to `database_url`.
        reports_url: `TRIPWIRE_REPORTS_URL`, where leaderboard, chart, totals and activity are read, as from a read replica.
        pool_size: `TRIPWIRE_POOL_SIZE`, 1–1000 connections of a repository.
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
    reports_url: str | None = field(default=None, repr=False)
    pool_size: int | None = None
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
            reports_url=_database_url("TRIPWIRE_REPORTS_URL", value("TRIPWIRE_REPORTS_URL")),
            pool_size=_pool_size(value("TRIPWIRE_POOL_SIZE")),
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


def _database_url(name: str, url: str | None) -> str | None:
    if url is None:
        return None
    try:
        sqlalchemy_url(url)
        return libpq_url(url)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from None


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


def _pool_size(text: str | None) -> int | None:
    if text is None:
        return None
    # Digits alone, and few: int() takes more, such as those of other scripts.
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= MAX_POOL_SIZE:
        raise InvalidInput(f"TRIPWIRE_POOL_SIZE is no whole number from 1 to {MAX_POOL_SIZE}")
    return int(text)


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
