"""What the tools of the schema door know of a project; any Alembic project can be described, the course is one.

Importing this page imports no models: they are named as `module:name` and loaded by the tool that compares them.
"""

import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import MetaData

Models = MetaData | Sequence[MetaData]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One Alembic project. The defaults suit any of them.

    Attributes:
        metadata: The models, or where they stand as `module:name`; None where there are none to compare with.
        version_table: The name of Alembic's table.
        version_table_schema: Its schema, made by the runner where it is missing; None leaves it where the search path
            says.
        url_variables: Variables of the environment that may hold the URL, the first one first.
        compared_schemas: The only schemas that `alembic check` and `--autogenerate` look into, tables of others in
            them left alone; empty leaves all of that to Alembic and `configure`.
        arguments: What may stand behind `-x` beside the runner's own; None lets everything pass, for revisions that
            read it.
        timed_revisions: Whether a new revision's id is its UTC time.
        notifies_postgrest: Whether each revision tells PostgREST of the new schema, where no event trigger does.
        advice: What to do about an error of the server, by SQLSTATE.
        configure: Further arguments of `context.configure()`.

    Example:
        >>> Project(metadata="shop.models:metadata").models()  # doctest: +SKIP
        MetaData()
    """

    metadata: Models | str | None = None
    version_table: str = "alembic_version"
    version_table_schema: str | None = None
    url_variables: tuple[str, ...] = ("DATABASE_URL",)
    compared_schemas: tuple[str, ...] = ()
    arguments: tuple[str, ...] | None = None
    timed_revisions: bool = False
    notifies_postgrest: bool = False
    advice: Mapping[str, str] = field(default_factory=dict)
    configure: Mapping[str, Any] = field(default_factory=dict)

    def models(self) -> Models | None:
        """Give the models, imported now where they were only named.

        Raises:
            ImportError: There is no such module.
            AttributeError: The module has no such name.
        """
        if isinstance(self.metadata, str):
            return cast("Models", pkgutil.resolve_name(self.metadata))
        return self.metadata


COURSE = Project(
    metadata="tripwire_db.tables:metadata",
    version_table_schema="tripwire",
    url_variables=("TRIPWIRE_MIGRATIONS_URL", "TRIPWIRE_DATABASE_URL"),
    compared_schemas=("public",),
    arguments=(),
    timed_revisions=True,
    notifies_postgrest=True,
    advice={"42P07": "If this database was made by hand, bring it under Alembic first: tripwire-db adopt."},
)
