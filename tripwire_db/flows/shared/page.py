"""Pages of a list that goes by time, newest first: what begins the next one, and how it is read."""

import base64
import binascii
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from tripwire_db.errors import InvalidInput
from tripwire_db.results import Activity, Page, Student
from tripwire_db.validation import exact_text, parse_time, parse_uuid

Listed = TypeVar("Listed", Student, Activity)

MAX_LIMIT = 1000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# A letter for the list, so that one list's place is none in another; microseconds since 1970; the row's id.
_PLACE = struct.Struct(">cq16s")
_LETTERS: dict[type, bytes] = {Student: b"s", Activity: b"a"}


def page_of(rows: Sequence[Listed], limit: int, total: int | None = None) -> Page[Listed]:
    """A page; one that is not full is the last."""
    return Page(tuple(rows), _place_of(rows[-1]) if len(rows) == limit else None, total)


def parse_place(name: str, value: object, of: type[Listed]) -> tuple[datetime, UUID]:
    """Where a page begins: after a row (time and id), which is given itself or as `Page.next` names it.

    Raises:
        InvalidInput: it is neither.
    """
    if isinstance(value, of):
        return parse_time(f"the time of {name}", value.created_at), parse_uuid(f"the id of {name}", value.id)
    if isinstance(value, str) and (place := _read(exact_text(value), _LETTERS[of])):
        return place
    raise InvalidInput(
        f"{name} must be `next` of the page before, or its last {of.__name__}: begin again without it", argument=name
    )


def _place_of(row: Student | Activity) -> str:
    microseconds = (row.created_at - _EPOCH) // _MICROSECOND
    packed = _PLACE.pack(_LETTERS[type(row)], microseconds, row.id.bytes)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read(text: str, letter: bytes) -> tuple[datetime, UUID] | None:
    if len(text) > 2 * _PLACE.size:
        return None
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found, microseconds, row_id = _PLACE.unpack(packed)
        at = parse_time("time", _EPOCH + microseconds * _MICROSECOND)
    except (binascii.Error, struct.error, ValueError, OverflowError, InvalidInput):
        return None
    return (at, UUID(bytes=row_id)) if found == letter else None
