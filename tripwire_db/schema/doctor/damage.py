"""One thing that is not as it should be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Damage:
    """A row, or a missing one, and what it should be.

    Attributes:
        kind: see `kinds.KINDS`, for example `profile_missing`.
        table: where, for example `tripwire_user_profile`; of schema `public` unless it says otherwise.
        key: which row, as columns and values.
        user_id: whom it is about; None where nobody knows.
        email: their e-mail, where it is known.
        found: the columns in question as they are; None where the row is missing.
        wanted: the same columns, or the whole missing row, as they should be; None where only a person can know.
        reason: how that is known, or what a person should do.
    """

    kind: str
    table: str
    key: Values
    user_id: UUID | None
    email: str | None
    found: Values | None
    wanted: Values | None
    reason: str

    @property
    def mendable(self) -> bool:
        """Whether `mend` knows what to do."""
        return self.wanted is not None

    @property
    def identity(self) -> str:
        """The same for the same thing found again, whatever its values have become."""
        return json.dumps([self.kind, self.table, self.key], sort_keys=True, default=str)

    def same_as(self, other: "Damage | None") -> bool:
        """Whether another look has found the very same: same row, same values, same remedy."""
        return other is not None and (self.found, self.wanted) == (other.found, other.wanted)
