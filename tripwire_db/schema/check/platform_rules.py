"""Rules told by a run on the platform's own kind of server: default privileges, and a migrating role that is no superuser."""

import pkgutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from tripwire_db.postgres.catalog import OWNER, Catalog, Key
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.check.chain import Chain, Revision
from tripwire_db.schema.project import Project
from tripwire_db.schema.runner.version_table import VersionTable

RULES = {
    "default-privileges": "Who may do what is the same under the platform's default privileges, whatever they grant.",
    "platform": "The chain goes up and down on the platform, as its own role, who is no superuser, and leaves nothing.",
}

Told = tuple[Revision, str, str, str]


def judge(chain: Chain, project: Project, head: Catalog, made_by: Mapping[str, Revision]) -> Iterator[Told]:
    """Run the chain on each kind of the platform's databases, and yield `(revision, rule, message, fragment)`.

    Args:
        chain: Up to its one head.
        project: Whose platform.
        head: What the chain makes on a plain server.
        made_by: The revision that made an object last, by the object's name.
    """
    if project.platform is None or project.platform.databases is None:
        return
    with pkgutil.resolve_name(project.platform.databases)() as databases:
        for title, url in databases.items():
            yield from _Run(title, url, chain, project, made_by).judge(head)


@dataclass(frozen=True)
class _Run:
    """A run up and down on one of the platform's databases."""

    title: str
    url: str
    chain: Chain
    project: Project
    made_by: Mapping[str, Revision]

    def judge(self, head: Catalog) -> Iterator[Told]:
        self.project.ready(self.url)
        below = self._catalog()
        try:
            self.chain.to_head(self.url)
        except Exception as error:  # noqa: BLE001 - whatever a revision raises is the finding
            yield self._failing(), "platform", f"fails with {self.title}: {_first_line(error)}", "def upgrade"
            return
        yield from self._grants(head, self._catalog())
        try:
            self.chain.to_base(self.url)
        except Exception as error:  # noqa: BLE001 - as above
            message = f"the downgrade fails with {self.title}: {_first_line(error)}"
            yield self._failing(down=True), "platform", message, "def downgrade"
            return
        self._drop_home()
        rest = self._catalog()
        for key in sorted({*below, *rest}, key=str):
            if below.get(key) != rest.get(key):
                revision = self.made_by.get(key.name.partition(" to ")[0], self.chain.revisions[0])
                message = f"after downgrade base, with {self.title}, {key} is not as it was"
                yield revision, "platform", message, "def downgrade"

    def _grants(self, plain: Catalog, there: Catalog) -> Iterator[Told]:
        changed: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        keys = {key for key in {*plain, *there} if key.kind == "grant" and not key.name.endswith(f" to {OWNER}")}
        for key in sorted(keys, key=str):
            target, _, role = key.name.rpartition(" to ")
            if gained := _privileges(there, key) - _privileges(plain, key):
                changed[target][f"gain {', '.join(sorted(gained))}"].append(role)
            if lost := _privileges(plain, key) - _privileges(there, key):
                changed[target][f"lack {', '.join(sorted(lost))}"].append(role)
        for target, by_change in changed.items():
            told = "; ".join(f"{', '.join(roles)} {change}" for change, roles in by_change.items())
            message = f"with {self.title}, on {target}: {told}. Revoke all from PUBLIC and the API's roles, then grant"
            revision = self.made_by.get(target, self.chain.revisions[-1])
            yield revision, "default-privileges", message, target.partition("(")[0].rpartition(".")[2]

    def _failing(self, *, down: bool = False) -> Revision:
        """The revision that failed: the one that stands (on the way down), or the one that follows it."""
        with connect(self.url) as connection:
            stands = VersionTable.of(self.project).read(connection)
        ids = [revision.id for revision in self.chain.revisions]
        number = max((ids.index(one) for one in stands if one in ids), default=-1)
        return self.chain.revisions[max(number, 0) if down else min(number + 1, len(ids) - 1)]

    def _drop_home(self) -> None:
        """Drop the version table's schema, which may stay, empty."""
        if self.project.version_table_schema not in (None, "public"):
            with connect(self.url) as connection:
                name = sql.Identifier(str(self.project.version_table_schema))
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))

    def _catalog(self) -> Catalog:
        with connect(self.url) as connection:
            connection.execute("SET LOCAL search_path = ''")
            return self.project.read_catalog(connection)


def _privileges(catalog: Catalog, key: Key) -> set[str]:
    return set((catalog[key].attributes["privileges"] or "").split(", ")) if key in catalog else set()


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", error)
    text = cause.diag.message_primary if isinstance(cause, psycopg.Error) else str(error)
    return (str(text).strip().splitlines() or [type(error).__name__])[0][:300]
