"""What adopting a database comes to: the statements, what they are for, and what has to be settled first."""

from dataclasses import dataclass, field

from psycopg import sql

from tripwire_db.postgres.catalog import Key
from tripwire_db.schema.adopt.report import Change, Difference

_ZONELESS = ("timestamp without time zone", "date", "text", "character varying", "character")


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column whose type or collation becomes another.

    Attributes:
        table: As in `public.tripwire_users`.
        column: Its name.
        found: The type that it has.
        wanted: The type of v2.
        cleared: What has to be taken off the column first: DEFAULT, IDENTITY, or nothing.
    """

    table: str
    column: str
    found: str
    wanted: str
    cleared: str = ""

    @property
    def zoneless(self) -> bool:
        """Whether values become instants that say nothing of their zone."""
        return self.wanted == "timestamp with time zone" and self.found.partition("(")[0] in _ZONELESS

    @property
    def identifiers(self) -> dict[str, sql.Composable]:
        """The names, for a statement."""
        schema, _, table = self.table.partition(".")
        return {"table": sql.Identifier(schema, table), "column": sql.Identifier(self.column)}


@dataclass
class Plan:
    """The statements: what goes first, what comes before the rows are looked at, and what after; and what for."""

    differences: list[Difference] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    extras: list[Key] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    blockers: list[str] = field(default_factory=list)
    kept: list[tuple[ColumnChange, str]] = field(default_factory=list)
    """Changes that make other values of some, and why; these are noted as they were."""
    unreadable: bool = False
    """Whether the rows cannot be looked at before the blockers are settled."""

    def note(self, key: Key, change: Change, action: str) -> None:
        """List a difference."""
        self.differences.append(Difference(key.kind, key.name, change, action))
