"""A warning where the service role key would leave the machine unencrypted, to be read by whoever is on the way."""

import ipaddress
import logging
from urllib.parse import urlsplit

logger = logging.getLogger("tripwire_db.auth")


def warn_of_plain_http(url: str) -> None:
    """Log a warning for an `http://` URL of another machine.

    Examples:
        >>> warn_of_plain_http("http://auth.internal:9999")
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not _is_here(host):
        logger.warning(
            "the service role key goes to %s unencrypted, and whoever is on the way can read it: write https://", host
        )


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
