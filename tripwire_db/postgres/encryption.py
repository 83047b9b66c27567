"""Warns, once, of connections to other machines that may carry secrets and rows in the clear."""

import ipaddress
import logging
import os
from urllib.parse import urlsplit

from tripwire_db.postgres.url import parse

logger = logging.getLogger("tripwire_db")

_ENCRYPTED = {"require", "verify-ca", "verify-full"}
_WARNED: set[str] = set()


def warn_if_unencrypted(database_url: str) -> None:
    """Warn, once in this process for each host, of a remote database that need not encrypt what it is sent.

    libpq's own default, `sslmode=prefer`, goes on in the clear where the server, or somebody between, says so.

    Raises:
        InvalidInput: it is no PostgreSQL URL.
    """
    arguments = parse(database_url)
    if arguments.get("sslmode", os.environ.get("PGSSLMODE", "prefer")) in _ENCRYPTED:
        return
    hosts = arguments.get("hostaddr") or arguments.get("host") or os.environ.get("PGHOST", "")
    for host in filter(is_remote, hosts.split(",")):
        _warn(
            host,
            "the connection to the database on %s need not be encrypted: add sslmode=require (or verify-full) to its URL",
        )


def warn_of_plain_http(url: str) -> None:
    """Warn, once in this process for each host, of a service on another machine whose key travels in the clear."""
    parts = urlsplit(url)
    if parts.scheme == "http" and is_remote(parts.hostname or ""):
        _warn(
            parts.hostname or "",
            "the service role key goes to %s unencrypted, since its URL begins with http://: use https://",
        )


def is_remote(host: str) -> bool:
    """Whether a host is another machine, as far as its name tells: no socket, no loopback address."""
    name = host.strip("[]").lower().rstrip(".")
    if not name or name.startswith(("/", "@")) or name == "localhost" or name.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(name).is_loopback
    except ValueError:
        return True


def _warn(host: str, message: str) -> None:
    told = message % host
    if told not in _WARNED:
        _WARNED.add(told)
        logger.warning("%s", told)
