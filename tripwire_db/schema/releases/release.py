"""What a release says to the database: statements, calls of them, and what these answered."""

import re
from dataclasses import dataclass

from tripwire_db.errors import InvalidInput

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that an application sends.

    Attributes:
        name: the flow's; a variant's name follows after a dot, as in `list_students.active`.
        source: where it is built, file and line.
        sql: with `$1`, `$2`, … for its parameters.
    """

    name: str
    source: str
    sql: str

    @property
    def method(self) -> str:
        """The flow's name, without a variant's."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer.

    Attributes:
        name: of the column.
        type: as `format_type` names it.
        values: as text, sorted, since rows may come in any order; None where they differ from one time to the next.
    """

    name: str
    type: str
    values: tuple[str | None, ...] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call answered: how many rows, and its columns."""

    rows: int
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A statement with its parameters as text.

    Attributes:
        statement: that is sent.
        parameters: for `$1`, `$2`, …
        answer: what it answered when it was frozen; None before.
        changing: columns that every revision changes, so that they are not compared; asked when it is frozen.
    """

    statement: Statement
    parameters: tuple[str | None, ...]
    answer: Answer | None = None
    changing: tuple[str, ...] = ()


Scene = tuple[Call, ...]
"""Calls of one transaction, in their order: what the last ones need is made by those before them."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version of an application.

    Attributes:
        version: as in `1.0.0` or `1.0.0rc1`.
        revision: the head of the chain on the day of the release.
        scenes: what the application says to the database.
    """

    version: str
    revision: str
    scenes: tuple[Scene, ...]


def order_of(version: str) -> tuple[int, int, int, str, int]:
    """Give the key by which versions are sorted: `1.0.0rc1` stands before `1.0.0`.

    Raises:
        InvalidInput: it is no version.

    Examples:
        >>> sorted(["1.0.0", "1.0.0rc1", "0.9.10", "0.9.9"], key=order_of)
        ['0.9.9', '0.9.10', '1.0.0rc1', '1.0.0']
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InvalidInput(f"{version!r} is no version: write it as 1.2.3, or as 1.2.3rc1 (a, b, rc) before that")
    major, minor, patch, kind, number = match.groups()
    return int(major), int(minor), int(patch), kind or "release", int(number or 0)
