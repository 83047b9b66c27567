"""The allow-list: what an application adds to our tables on purpose, each with a reason, read from a file of the application's."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tripwire_db.errors import InvalidInput
from tripwire_db.postgres.catalog import ROLES, Key

KINDS = ("column", "constraint", "event_trigger", "index", "membership", "referrer", "statistics", "trigger")
"""What may be allowed. Never what decides who sees a row: policies, grants, rules, views, roles.

A membership may be, of a login of the application's own: that is how a backend becomes one. Never of the API's roles.
"""

_FIELDS = {"kind", "name", "reason"}


@dataclass(frozen=True, slots=True)
class Allowed:
    """One object that the chain does not make and an application does.

    Attributes:
        kind: of `KINDS`; a foreign key that refers to our tables from elsewhere is a `referrer`.
        name: with schema and table, as `tripwire-db drift` prints it.
        reason: why it is there.
    """

    kind: str
    name: str
    reason: str

    @property
    def key(self) -> Key:
        """As the catalog knows it."""
        return Key(self.kind, self.name)


def read_allowed(path: Path) -> tuple[Allowed, ...]:
    """Read a TOML file of `[[allow]]` tables, each with kind, name and reason.

    Raises:
        InvalidInput: the file cannot be read, or an entry is not complete; the entry is named.

    Examples:
        >>> read_allowed(Path("drift.toml"))[0].reason
        'orders go by price'
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as TOML ({error}): write it as the page of drift shows") from None
    entries = content.pop("allow", [])
    if content or not isinstance(entries, list):
        raise InvalidInput(f"{path}: write each object as a table of its own, [[allow]], and nothing else")
    return tuple(_entry(path, number, entry) for number, entry in enumerate(entries, 1))


def _entry(path: Path, number: int, entry: Any) -> Allowed:
    where = f"{path}: entry {number}"
    if not isinstance(entry, dict) or set(entry) != _FIELDS or not all(isinstance(v, str) for v in entry.values()):
        raise InvalidInput(f"{where} must have exactly kind, name and reason, each a text")
    if not all(value.strip() for value in entry.values()):
        raise InvalidInput(f"{where}: kind, name and reason must say something")
    if entry["kind"] not in KINDS:
        raise InvalidInput(
            f"{where}: {entry['kind']!r} cannot be allowed, only {', '.join(KINDS)}; who may see and change our rows is "
            "for the chain alone to say"
        )
    if entry["kind"] == "membership" and entry["name"].partition(" in ")[0] in ROLES:
        raise InvalidInput(
            f"{where}: a membership of {entry['name'].partition(' in ')[0]} cannot be allowed: requests run as it"
        )
    return Allowed(**entry)


def unmatched(allow: Sequence[Allowed], allowed: Sequence[Allowed]) -> list[str]:
    """A note on each entry that allows nothing which is there."""
    return [
        f"the allow-list has {entry.key}, which the chain makes or the database does not have: take the entry out"
        for entry in allow
        if entry not in allowed
    ]
