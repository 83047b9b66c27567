"""Checks arguments before anything is sent; whatever cannot be right is `InvalidInput`, with the argument's name."""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from tripwire_db.errors import InvalidInput

MAX_EMAIL = 254
"""Characters in an e-mail address, by RFC 5321 (a path of 256 octets, two of them the angle brackets)."""
MAX_NAME = 300
MAX_REASON = 2000
MAX_DETAILS_BYTES = 65_536
MAX_PRICE = Decimal(10) ** 12
_MAX_INT4 = 2**31 - 1

# One @, no spaces, a dot in the domain: what a typing error breaks. Whether it exists, only a mail can tell.
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]]+@[^@\s\"(),:;<>\[\\\]]+\.[^@\s\"(),:;<>\[\\\].]+")

# An odd number of backslashes: an even one is text that merely looks like the escape.
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def parse_uuid(name: str, value: object) -> UUID:
    """A UUID; a string of one is taken too."""
    if isinstance(value, UUID):
        return value
    if isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            pass
    raise InvalidInput(f"{name} must be a UUID, or a string of one")


def parse_optional_uuid(name: str, value: object) -> UUID | None:
    """A UUID, or None."""
    return None if value is None else parse_uuid(name, value)


def parse_text(name: str, value: object, *, longest: int) -> str:
    """A string of 1 to `longest` characters, white space at its ends removed, that PostgreSQL can hold."""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string, not {type(value).__name__}")
    if len(value) > longest + 100:  # before anything is copied
        raise InvalidInput(f"{name} is longer than {longest} characters")
    stripped = value.strip()
    if not stripped:
        raise InvalidInput(f"{name} must not be empty")
    if len(stripped) > longest:
        raise InvalidInput(f"{name} is longer than {longest} characters")
    _storable(name, stripped)
    return stripped


def parse_email(name: str, value: object) -> str:
    """An e-mail address as it is stored: in lower case, composed (NFC)."""
    email = unicodedata.normalize("NFC", parse_text(name, value, longest=MAX_EMAIL)).lower()
    if not _EMAIL.fullmatch(email) or any(unicodedata.category(character) == "Cc" for character in email):
        raise InvalidInput(f"{name} is no e-mail address, as in name@example.com")
    return email


def parse_password(value: object) -> str | None:
    """A password, or None for an account without one; never part of a message."""
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise InvalidInput("password must be a string that is not empty, or None")
    if len(value.encode("utf-8", "replace")) > 72:
        raise InvalidInput("password is longer than 72 bytes, which is all that bcrypt reads")
    _storable("password", value)
    return value


def parse_price(value: object) -> Decimal | None:
    """Money in KZT: finite, 0 or more, at most 10^12, with at most two decimals."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str | float):
        raise InvalidInput(f"price must be a Decimal, not {type(value).__name__}")
    try:
        price = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, ValueError):
        raise InvalidInput("price must be a number") from None
    if not price.is_finite():
        raise InvalidInput("price must be finite")
    if price < 0:
        raise InvalidInput("price must not be negative")
    if price > MAX_PRICE:
        raise InvalidInput(f"price must be at most {MAX_PRICE:,}")
    if price != price.quantize(Decimal("0.01")):
        raise InvalidInput("price has more than two decimals")
    return abs(price)  # -0 is 0


def parse_integer(name: str, value: object, *, least: int = -_MAX_INT4 - 1, most: int = _MAX_INT4) -> int:
    """A whole number in [least, most]; by default whatever an INTEGER column holds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"{name} must be a whole number, not {type(value).__name__}")
    if not least <= value <= most:
        raise InvalidInput(f"{name} must be {least} to {most}")
    return value


def parse_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise InvalidInput(f"{name} must be one of {', '.join(choices)}")
    return value


def parse_flag(name: str, value: object) -> bool:
    """True or False and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be True or False, not {type(value).__name__}")
    return value


def parse_details(name: str, value: object) -> dict[str, Any]:
    """A JSON object of at most 64 KiB that JSONB can hold."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} must be a mapping, not {type(value).__name__}")
    details = dict(value)
    try:
        encoded = json.dumps(details, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput(
            f"{name} must be JSON: strings, finite numbers, booleans, None, lists and mappings"
        ) from None
    if len(encoded) > MAX_DETAILS_BYTES or len(encoded.encode("utf-8", "replace")) > MAX_DETAILS_BYTES:
        raise InvalidInput(f"{name} is larger than {MAX_DETAILS_BYTES} bytes of JSON")
    _storable(name, encoded)
    if _ESCAPED_NUL.search(encoded):
        raise InvalidInput(f"{name} must not contain NUL characters")
    if not all(isinstance(key, str) for key in details):
        raise InvalidInput(f"{name} must have strings for keys")
    return details


def parse_time(name: str, value: object) -> datetime:
    """An aware time."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidInput(f"{name} must be an aware datetime, as in datetime.now(UTC)")
    return value


def _storable(name: str, value: str) -> None:
    if "\x00" in value:
        raise InvalidInput(f"{name} must not contain NUL characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{name} must be valid Unicode, without lone surrogates") from None
