"""Parameters as text: then a statement is prepared once on a connection, whatever the sizes of its values.

psycopg names a type for each parameter by its value: an integer is int2, int4, int8 or numeric by its size, a list by its
elements, NULL none at all. A statement that is sent with other types is another one to it, which is prepared, planned
and kept beside the first. Text has no type of its own: each parameter stands in a cast of its statement, which decides.
"""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb


def as_text(value: Any) -> str | None:
    """A parameter as PostgreSQL reads it, with None for NULL.

    Examples:
        >>> as_text(40_000), as_text(True), as_text([1, None, 70_000]), as_text(None)
        ('40000', 'true', '{1,NULL,70000}', None)

    Raises:
        TypeError: no flow has parameters of this type.
    """
    if value is None or type(value) is str:
        return value
    for kind in type(value).__mro__:
        if write := _WRITERS.get(kind):
            return write(value)
    raise TypeError(f"a flow has no parameters of type {type(value).__name__}")


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _json(value: Jsonb) -> str:
    return json.dumps(value.obj)


def _array(values: list[Any]) -> str:
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    text = as_text(value)
    if text is None:
        return "NULL"
    if type(value) is int:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# By the class that Python gives the value, of which it may be a subclass with a text of its own, as an enumeration's is.
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: str.__str__,
    bool: _boolean,
    int: int.__repr__,
    float: float.__repr__,
    Decimal: Decimal.__str__,
    UUID: UUID.__str__,
    date: date.isoformat,
    datetime: datetime.isoformat,
    Jsonb: _json,
    list: _array,
}
