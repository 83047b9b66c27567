"""Plays scenes on a scratch database; nothing of them stays, except numbers that sequences have given."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg.rows import tuple_row

from tripwire_db.postgres.connect import connect
from tripwire_db.schema.releases.release import Answer, Call, Column, Scene

# What others answer in their own time zone and style, all answer in the same one.
_SETTINGS = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, MDY'; SET LOCAL search_path = pg_catalog, pg_temp"
_NAME = re.compile(r'"([^"]+)"|((?:\w+\.)+\w+|\w*_\w+)')


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that the server refused.

    Attributes:
        message: the server's, without values of rows.
        names: of objects in it, the most telling first.
    """

    message: str
    names: tuple[str, ...]


Outcome = Answer | Failure
Played = tuple[Outcome, ...]
"""What each call of a scene came to."""


def play(url: str, scenes: Iterable[Scene]) -> tuple[Played, ...]:
    """Play each scene in a transaction that is rolled back.

    Args:
        url: a scratch database with its sample rows.
        scenes: to be played, one after another.
    """
    with connect(url) as connection:
        return tuple(_played(connection, scene) for scene in scenes)


def _played(connection: psycopg.Connection[object], scene: Scene) -> Played:
    try:
        connection.execute(_SETTINGS)
        return tuple(_outcome(connection, call) for call in scene)
    finally:
        connection.rollback()


def _outcome(connection: psycopg.Connection[object], call: Call) -> Outcome:
    """One that fails leaves the others to be tried."""
    try:
        with connection.transaction():  # a savepoint
            return _answered(connection, call)
    except psycopg.Error as error:
        return _failure(error)


def _answered(connection: psycopg.Connection[object], call: Call) -> Answer:
    with psycopg.RawCursor(connection, row_factory=tuple_row) as cursor:
        cursor.execute(call.statement.sql.encode(), call.parameters)
        result = cursor.pgresult
        if result is None:
            return Answer(0, ())
        names = [(result.fname(number) or b"").decode() for number in range(result.nfields)]
        types = [(result.ftype(number), result.fmod(number)) for number in range(result.nfields)]
        values = [[result.get_value(row, number) for row in range(result.ntuples)] for number in range(result.nfields)]
        rows = result.ntuples
    columns = (
        Column(name, _type(connection, *of), _sorted(texts))
        for name, of, texts in zip(names, types, values, strict=True)
    )
    return Answer(rows, tuple(columns))


def _type(connection: psycopg.Connection[object], oid: int, modifier: int) -> str:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("SELECT pg_catalog.format_type(%s, %s)", [oid, modifier]).fetchone()
    return str(row[0]) if row else ""


def _sorted(values: Iterable[bytes | None]) -> tuple[str | None, ...]:
    texts = (None if value is None else value.decode() for value in values)
    return tuple(sorted(texts, key=lambda text: (text is None, text or "")))


def _failure(error: psycopg.Error) -> Failure:
    said = error.diag
    message = said.message_primary or type(error).__name__
    if said.table_name and said.table_name not in message:
        message = f"{message} (table {said.table_name})"
    found = [name for pair in _NAME.findall(message) for name in pair if name]
    named = [said.column_name, said.constraint_name, *(name.rpartition(".")[2] for name in found), said.table_name]
    return Failure(message, tuple(dict.fromkeys(name for name in named if name)))
