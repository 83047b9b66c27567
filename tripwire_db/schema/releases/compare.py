"""Compares what scenes came to before a revision and after it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tripwire_db.schema.releases.play import Failure, Played
from tripwire_db.schema.releases.release import Answer, Call, Column, Scene, Statement

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Difference:
    """A call that a revision breaks.

    Attributes:
        statement: whose call it is.
        message: what is otherwise.
        names: by which the place is found in the revision, the most telling first.
    """

    statement: Statement
    message: str
    names: tuple[str, ...]


def differences(
    scenes: Sequence[Scene], before: Sequence[Played], after: Sequence[Played], *, answers: bool = True
) -> tuple[Difference, ...]:
    """Tell which calls worked before and do not now, each statement once.

    Args:
        scenes: that were played.
        before: what they came to before.
        after: what they came to afterwards.
        answers: whether another answer counts, too, beside a failure.
    """
    found: dict[str, Difference] = {}
    for scene, old, new in zip(scenes, before, after, strict=True):
        for difference in _of_scene(scene, old, new, answers=answers):
            found.setdefault(difference.statement.name, difference)
    return tuple(found.values())


def _of_scene(scene: Scene, old: Played, new: Played, *, answers: bool) -> Iterator[Difference]:
    for call, was, now in zip(scene, old, new, strict=True):
        if isinstance(was, Failure) or isinstance(now, Failure):
            answers = False  # those that come after it have other rows before them
            if isinstance(now, Failure) and not isinstance(was, Failure):
                yield Difference(call.statement, f"fails: {now.message}", (*now.names, call.statement.method))
        elif answers and (told := _otherwise(call, was, now)):
            name, message = told
            names = (*([name] if name else []), call.statement.method)
            yield Difference(call.statement, f"answers otherwise: {message}", names)


def _otherwise(call: Call, was: Answer, now: Answer) -> tuple[str, str] | None:
    """The name of a column that differs, if it is one, and what differs."""
    known = {column.name: column for column in call.answer.columns} if call.answer is not None else {}
    there = {column.name: column for column in now.columns}
    for column in was.columns:
        found = there.get(column.name)
        if found is None:
            return column.name, f"column {column.name} is gone"
        if found.type != column.type:
            return column.name, f"column {column.name} was {column.type} and is {found.type}"
    if was.rows != now.rows:
        return "", f"it had {_rows(was.rows)} and has {_rows(now.rows)}"
    for column in was.columns:
        frozen = known.get(column.name)
        if (frozen is None or frozen.values is not None) and column.values != there[column.name].values:
            return column.name, f"{column.name} was {_shown(column)} and is {_shown(there[column.name])}"
    return None


def _rows(number: int) -> str:
    return f"{number} row{'' if number == 1 else 's'}"


def _shown(column: Column) -> str:
    """Values of sample rows, shortened."""
    text = ", ".join("NULL" if value is None else value for value in column.values or ())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
