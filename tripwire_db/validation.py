"""Checks arguments before anything is sent; whatever cannot be right is `InvalidInput`, with the argument's name."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Any, TypeVar, cast
from uuid import UUID

from tripwire_db.errors import InvalidInput

MAX_POOL_SIZE = 1000
MAX_EMAIL = 254
"""Characters in an e-mail address, by RFC 5321 (a path of 256 octets, two of them the angle brackets)."""
MAX_NAME = 300
MAX_REASON = 2000
MAX_IDS = 10_000
MAX_DETAILS_BYTES = 65_536
MAX_DETAILS_DEPTH = 64
"""Levels of lists and mappings within each other; what reads them back recurses."""
MAX_PRICE = Decimal(1_000_000_000_000)
_MAX_INT4 = 2**31 - 1
_LONGEST_NUMBER = 400

Choice = TypeVar("Choice", bound=str)

# One @, no spaces, a domain of two labels or more: what a typing error breaks. Whether it exists, only a mail can tell.
_ATOM = r"[^@\s\"(),:;<>\[\\\]]"
_LABEL = rf"(?!-)(?:(?!\.){_ATOM})+(?<!-)"
_EMAIL = re.compile(rf"{_ATOM}+@{_LABEL}(?:\.{_LABEL})+")

# What nobody sees, so that two texts look alike and are not, or what is shown is not what is stored: controls, format
# characters (bidi, zero width, soft hyphen), separators of lines, letters that are blank.
_UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# What only changes how the character before it looks, if at all: a heart in a name may have it, an address may not.
_MODIFIERS = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")

# Exact for every price, whatever the caller's own context is.
_MONEY = Context(prec=50, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])

# An odd number of backslashes: an even one is text that merely looks like the escape.
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def parse_uuid(name: str, value: object) -> UUID:
    """A UUID; a string of one is taken too."""
    if type(value) is UUID:
        return value
    if isinstance(value, UUID | str):
        try:
            return UUID(exact_text(value) if isinstance(value, str) else str(value))
        except ValueError:
            pass
    raise _refused(name, "must be a UUID, or a string of one")


def parse_optional_uuid(name: str, value: object) -> UUID | None:
    """A UUID, or None."""
    return None if value is None else parse_uuid(name, value)


def parse_uuids(name: str, value: object) -> list[UUID]:
    """A list of 1 to 10,000 UUIDs, or strings of them; each once."""
    if not isinstance(value, list | tuple | set | frozenset):
        raise _refused(name, "must be a list of UUIDs, or None")
    if not 0 < len(value) <= MAX_IDS:
        raise _refused(name, f"must have 1 to {MAX_IDS:,} UUIDs")
    return list(dict.fromkeys(parse_uuid(name, each) for each in value))


def exact_text(value: str) -> str:
    """The characters of a string, without whatever methods a subclass of `str` has of its own."""
    return str.__str__(value)


def parse_text(name: str, value: object, *, longest: int) -> str:
    """A string of 1 to `longest` characters, composed (NFC), white space at its ends removed, that PostgreSQL can hold."""
    if not isinstance(value, str):
        raise _refused(name, f"must be a string, not {type(value).__name__}")
    text = exact_text(value)
    if len(text) > longest * 4 + 100:  # before anything is copied; a letter may be composed of several
        raise _refused(name, f"is longer than {longest} characters")
    stripped = unicodedata.normalize("NFC", text).strip()
    if not stripped:
        raise _refused(name, "must not be empty")
    if len(stripped) > longest:
        raise _refused(name, f"is longer than {longest} characters")
    require_storable(name, stripped)
    return stripped


def parse_name(name: str, value: object) -> str:
    """The name of a person: 1–300 characters on one line, composed (NFC), each of them to be seen."""
    text = parse_text(name, value, longest=MAX_NAME)
    _seen(name, text)
    return text


def parse_email(name: str, value: object) -> str:
    """An e-mail address as it is stored: in lower case, composed (NFC), without characters that nobody sees."""
    lower = parse_text(name, value, longest=MAX_EMAIL).lower()
    email = parse_text(name, lower, longest=MAX_EMAIL)  # in lower case a letter may be two
    _seen(name, email)
    if not _EMAIL.fullmatch(email) or _MODIFIERS.search(email):
        raise _refused(name, "is no e-mail address, as in name@example.com")
    return email


def parse_password(value: object) -> str | None:
    """A password, or None for an account without one; never part of a message."""
    if value is None:
        return None
    password = exact_text(value) if isinstance(value, str) else ""
    if not password:
        raise _refused("password", "must be a string that is not empty, or None")
    if len(password) > 72 or len(password.encode("utf-8", "replace")) > 72:
        raise _refused("password", "is longer than 72 bytes, which is all that bcrypt reads")
    require_storable("password", password)
    return password


def parse_price(value: object) -> Decimal | None:
    """Money in KZT: finite, 0 or more, at most 10^12, with at most two decimals."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str | float):
        raise _refused("price", f"must be a Decimal, not {type(value).__name__}")
    price = _decimal(value)
    if not price.is_finite():
        raise _refused("price", "must be finite")
    if price < 0:
        raise _refused("price", "must not be negative")
    if price > MAX_PRICE:
        raise _refused("price", f"must be at most {MAX_PRICE:,}")
    # Not more digits than there is to say: 0E-999999 is 0, and 1E+3 is 1000.
    decimals = min(max(-cast("int", price.as_tuple().exponent), 0), 2)
    exact = price.quantize(Decimal(1).scaleb(-decimals, _MONEY), context=_MONEY)
    if exact != price:
        raise _refused("price", "has more than two decimals")
    return exact.copy_abs()  # -0 is 0


def _decimal(value: Decimal | float | str) -> Decimal:
    written: Decimal | int | str
    if isinstance(value, int):
        # Cut to what is refused all the same, since a number of many digits takes long to be written in decimals.
        written = max(-1, min(int.__index__(value), int(MAX_PRICE) + 1))
    elif isinstance(value, float):
        written = float.__repr__(value)
    else:
        written = exact_text(value) if isinstance(value, str) else value
    if isinstance(written, str) and len(written) > _LONGEST_NUMBER:
        raise _refused("price", "must be a number")
    try:
        return Decimal(written)
    except (InvalidOperation, ValueError):
        raise _refused("price", "must be a number") from None


def parse_integer(name: str, value: object, *, least: int = -_MAX_INT4 - 1, most: int = _MAX_INT4) -> int:
    """A whole number in [least, most]; by default whatever an INTEGER column holds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refused(name, f"must be a whole number, not {type(value).__name__}")
    number = int.__index__(value)
    if not least <= number <= most:
        raise _refused(name, f"must be {least} to {most}")
    return number


def parse_pool_size(value: int) -> int:
    """The size of a pool, 1–1000.

    Raises:
        InvalidInput: it is no whole number, or out of range.
    """
    return parse_integer("pool_size", value, least=1, most=MAX_POOL_SIZE)


def parse_choice(name: str, value: object, choices: tuple[Choice, ...]) -> Choice:
    """One of a few words."""
    if isinstance(value, str):
        text = exact_text(value)
        for choice in choices:
            if text == choice:
                return choice
    raise _refused(name, f"must be one of {', '.join(choices)}")


def parse_flag(name: str, value: object) -> bool:
    """True or False and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise _refused(name, f"must be True or False, not {type(value).__name__}")
    return value


def parse_details(name: str, value: object) -> dict[str, Any]:
    """A JSON object of at most 64 KiB and 64 levels that JSONB can hold; a copy, exactly as it will be read back."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _refused(name, f"must be a mapping, not {type(value).__name__}")
    details = dict(value)
    for depth, key in _keys_and_levels(name, details):
        if depth > MAX_DETAILS_DEPTH:
            raise _refused(name, f"is nested deeper than {MAX_DETAILS_DEPTH} levels")
        if not isinstance(key, str):
            raise _refused(name, "must have strings for keys")
    try:
        encoded = json.dumps(details, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise _refused(name, "must be JSON: strings, finite numbers, booleans, None, lists and mappings") from None
    if len(encoded) > MAX_DETAILS_BYTES or len(encoded.encode("utf-8", "replace")) > MAX_DETAILS_BYTES:
        raise _too_large(name)
    require_storable(name, encoded)
    if _ESCAPED_NUL.search(encoded):
        raise _refused(name, "must not contain NUL characters")
    return cast("dict[str, Any]", json.loads(encoded))


def _keys_and_levels(name: str, details: dict[Any, Any]) -> Iterator[tuple[int, object]]:
    """Each key with its level, an empty one for a list; without recursion, and no more parts than could be stored."""
    parts: list[tuple[int, object]] = [(1, details)]
    left = MAX_DETAILS_BYTES  # each part is a byte or more
    while parts:
        depth, part = parts.pop()
        left -= 1
        if left < 0 or (isinstance(part, dict | list | tuple) and len(part) > left):
            raise _too_large(name)  # what lies behind may be too deep for whatever recurses
        if isinstance(part, dict):
            for key, inner in part.items():
                yield depth, key
                parts.append((depth + 1, inner))
        elif isinstance(part, list | tuple):
            yield depth, ""
            parts.extend((depth + 1, inner) for inner in part)


def _too_large(name: str) -> InvalidInput:
    return _refused(name, f"is larger than {MAX_DETAILS_BYTES} bytes of JSON")


def parse_time(name: str, value: object) -> datetime:
    """An aware time of the years 2 to 9998 in UTC: in any other zone, too, it can be written and read back."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise _refused(name, "must be an aware datetime, as in datetime.now(UTC)")
    try:
        year = value.astimezone(UTC).year
    except OverflowError:
        year = MAXYEAR
    if not MINYEAR < year < MAXYEAR:
        raise _refused(name, f"must be in the years {MINYEAR + 1} to {MAXYEAR - 1}")
    return value


def parse_days(since: object, until: object) -> tuple[date | None, date | None]:
    """A first and a last day, both included, or None where it is open."""
    first, last = _parse_day("since", since), _parse_day("until", until)
    if first is not None and last is not None and first > last:
        raise _refused("since", "must not be after until")
    return first, last


def _parse_day(name: str, value: object) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise _refused(name, "must be a date without a time, or None")


def _seen(name: str, text: str) -> None:
    for at, character in enumerate(text, 1):
        if unicodedata.category(character) in _UNSEEN_CATEGORIES or character in _BLANK_LETTERS:
            raise _refused(
                name, f"must not contain characters that cannot be seen: U+{ord(character):04X}, the {at}. character"
            )


def require_storable(name: str, value: str) -> None:
    """Refuse text that PostgreSQL cannot hold: with a NUL, or that is not Unicode.

    Raises:
        InvalidInput: it has a NUL, or half of a surrogate pair.
    """
    if "\x00" in value:
        raise _refused(name, "must not contain NUL characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refused(name, "must be valid Unicode, without lone surrogates") from None


def _refused(name: str, why: str) -> InvalidInput:
    return InvalidInput(f"{name} {why}", argument=name)
