"""What a comparison found: objects, what differs in each, and what that means."""

import difflib
from dataclasses import dataclass
from typing import Literal

from tripwire_db.postgres.catalog import Key
from tripwire_db.schema.drift.allowed import Allowed

Change = Literal["missing", "changed", "extra", "fails"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute of an object, as the chain makes it and as it was found."""

    attribute: str
    expected: str | None
    found: str | None

    def lines(self) -> list[str]:
        """For people: one line, or a unified diff where the text has several."""
        expected, found = self.expected or "", self.found or ""
        if "\n" not in expected + found:
            return [f"{self.attribute}: expected {self.expected or 'nothing'}, found {self.found or 'nothing'}"]
        diff = difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=1)
        return [f"{self.attribute}:", *diff]


@dataclass(frozen=True, slots=True)
class DriftedObject:
    """One object that is not as the chain makes it.

    Attributes:
        kind: as in `tripwire_db.postgres.catalog.KINDS`.
        name: with its schema.
        on_table: the table it belongs to.
        change: what happened to it.
        differences: attribute by attribute.
        meaning: what follows from it, where that is not plain to see.
    """

    kind: str
    name: str
    on_table: str | None
    change: Change
    differences: tuple[Difference, ...] = ()
    meaning: str | None = None

    @property
    def group(self) -> str:
        """What a report shows it under: its table, or itself."""
        return self.on_table or self.name


@dataclass(frozen=True, slots=True)
class Drift:
    """What was compared, and what was found.

    Attributes:
        revision: of the live database; what it was compared with.
        findings: what differs, by kind and name.
        not_ours: objects that the chain does not know, and that touch nothing of it.
        notes: what was left out, and why.
        allowed: extra objects of our tables that the application's allow-list names.
    """

    revision: str
    findings: tuple[DriftedObject, ...]
    not_ours: tuple[Key, ...]
    notes: tuple[str, ...]
    allowed: tuple[Allowed, ...] = ()
