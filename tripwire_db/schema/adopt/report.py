"""What adopting a database would do, or has done."""

from dataclasses import dataclass
from typing import Literal

Change = Literal["missing", "different", "extra"]


@dataclass(frozen=True, slots=True)
class Difference:
    """An object that is not as v2 has it.

    Attributes:
        kind: as in `column`, `constraint`, `index`, `trigger`, `function`, `policy`, `table`.
        name: as in `public.tripwire_users.price`.
        change: `missing`, `different`, or `extra` for one that v2 has not.
        action: what is done about it; "stays" for what is left unchanged.
    """

    kind: str
    name: str
    change: Change
    action: str


@dataclass(frozen=True, slots=True)
class Mending:
    """Rows that stay and are mended: by `adopt` itself, or by the upgrade that follows."""

    table: str
    how: str
    rows: int
    by: Literal["adopt", "upgrade"]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that cannot be mended, and is moved to `tripwire.quarantine` whole; its values are not shown."""

    table: str
    key: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What is to do, or was done.

    Attributes:
        revision: where the database is under Alembic; None where it is not yet.
        applied: whether this call did it.
        differences: objects that are not as v2 has them.
        mendings: rows that are mended where they are.
        quarantined: rows that are moved away.
        notes: what is told and left as it is: durations of videos, and what is no part of v2 and may surprise.
        secrets: extra columns that look as if they held passwords in clear text.
        blockers: what must be settled by hand before anything is done.
    """

    revision: str | None
    applied: bool = False
    differences: tuple[Difference, ...] = ()
    mendings: tuple[Mending, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
