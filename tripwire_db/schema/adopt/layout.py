"""What a database's catalog lacks to be v2's, and the statements that bring it there.

v2 is what its revision makes on a scratch server; every statement is made of that catalog, so v2 is written down once.
Nothing is dropped but what v2 has otherwise: a rule of the same columns, an index or a trigger of the same name.
"""

import re
from collections.abc import Mapping
from typing import Any

import psycopg

from tripwire_db.postgres.catalog import Catalog, Key, Object
from tripwire_db.schema.adopt.obstacles import look_closer
from tripwire_db.schema.adopt.owners import blocked_by_owners
from tripwire_db.schema.adopt.plan import ColumnChange, Plan
from tripwire_db.schema.adopt.statements import (
    ROOM,
    add_rule,
    columns_of_rule,
    last,
    plain_rule,
    quoted,
    replace_function,
    same_signature,
    type_of,
    unless_null,
)
from tripwire_db.schema.project import COURSE
from tripwire_db.tables import metadata

KINDS = ("table", "column", "constraint", "index", "function", "trigger", "policy", "rule")
_SECRET = re.compile(r"passw|pwd|secret|token", re.IGNORECASE)
_HASHED = re.compile(r"hash|encrypted", re.IGNORECASE)

_RULES = """
SELECT
    n.nspname || '.' || c.relname || '.' || k.conname,
    k.contype::text,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) ORDER BY 1)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND k.contype IN ('p', 'u', 'f', 'c')
"""


def plan(connection: psycopg.Connection[Any], expected: Catalog, time_zone: str | None) -> Plan:
    """Compare the database with v2; reads only, in the transaction that is open.

    Args:
        connection: whose search path is empty, and whose time zone is the one given.
        expected: v2's catalog.
        time_zone: in which times without one were written; None where nobody has said.
    """
    comparison = _Comparison(connection, expected)
    made = comparison.make()
    for change in comparison.changes:
        look_closer(connection, made, change, comparison.generated, time_zone)
    return made


class _Comparison:
    def __init__(self, connection: psycopg.Connection[Any], expected: Catalog) -> None:
        self._expected = _relevant(expected)
        found = COURSE.read_catalog(connection)
        self._found = _relevant(found)
        self._granted = {key.name for key in found if key.kind == "grant"}
        self._tables = {key.name for key in self._expected if key.kind == "table"}
        self._rules: Mapping[str, tuple[str, tuple[str, ...]]] = {
            name: (kind, tuple(columns)) for name, kind, columns in connection.execute(_RULES).fetchall()
        }
        self._on_auth_users = [
            thing for thing in found.values() if thing.on_table == "auth.users" and thing.key.kind == "trigger"
        ]
        self.changes: list[ColumnChange] = []
        self.generated = [
            last(key)
            for key, thing in self._found.items()
            if key in self._expected and key.kind == "column" and thing.attributes["generated"]
        ]
        self._plan = Plan(blockers=blocked_by_owners(connection, expected))
        self._plan.unreadable = bool(self._plan.blockers)

    def make(self) -> Plan:
        for kind in KINDS:
            for key in sorted((key for key in self._expected if key.kind == kind), key=str):
                mine, theirs = self._expected[key], self._found.get(key)
                getattr(self, f"_{kind}")(key, mine, theirs)
            for key in sorted((key for key in self._found if key.kind == kind), key=str):
                if key not in self._expected:
                    self._extra(key, self._found[key])
        for trigger in self._on_auth_users:
            self._plan.notes.append(
                f"the trigger {trigger.key.name} runs beside every new person, by whatever way they are made, and stays: drop it "
                f"once the application makes people through the repository ({trigger.attributes['definition']})"
            )
        return self._plan

    def _table(self, key: Key, mine: Object, theirs: Object | None) -> None:
        if theirs is None:
            self._plan.note(key, "missing", "is made")
            self._plan.before += [
                f"CREATE TABLE {key.name} ()",
                f"REVOKE ALL ON TABLE {key.name} FROM PUBLIC, anon, authenticated",
                f"GRANT ALL ON TABLE {key.name} TO service_role",
            ]
        elif theirs.attributes["kind"] != mine.attributes["kind"]:
            self._plan.blockers.append(f"{key.name} is a {theirs.attributes['kind']}, not a table: rename it first")
            self._plan.unreadable = True
            return
        if theirs is None:
            return
        if theirs.attributes["forced_row_level_security"] == "yes":
            self._plan.note(key, "different", "row-level security is no longer forced on the owner")
            self._plan.before.append(f"ALTER TABLE {key.name} NO FORCE ROW LEVEL SECURITY")
        if theirs.attributes["persistence"] == "u":
            self._plan.note(key, "different", "was UNLOGGED, so that a crash would empty it; is logged")
            self._plan.after.append(f"ALTER TABLE {key.name} SET LOGGED")

    def _column(self, key: Key, mine: Object, theirs: Object | None) -> None:
        name = last(key)
        alter = f"ALTER TABLE {mine.on_table} "
        type_, default = mine.attributes["type"], mine.attributes["default"]
        not_null = mine.attributes["not_null"] == "yes"
        if theirs is None:
            self._plan.note(key, "missing", "is added")
            # Rows that are there get an id; any other default is the chain's to fill in, so no time is made up here.
            filled = f" DEFAULT {default}" if name == "id" and default else ""
            self._plan.before.append(f"{alter}ADD COLUMN {name} {type_}{filled}")
            if default:
                self._plan.before.append(f"{alter}ALTER COLUMN {name} SET DEFAULT {default}")
        else:
            self._change_column(key, mine, theirs)
        if not_null and (theirs is None or theirs.attributes["not_null"] != "yes"):
            if theirs is not None:
                self._plan.note(key, "different", "becomes NOT NULL, once every row has one")
            self._plan.after.append(unless_null(str(mine.on_table), name))

    def _change_column(self, key: Key, mine: Object, theirs: Object) -> None:
        name, alter = last(key), f"ALTER TABLE {mine.on_table} ALTER COLUMN {last(key)} "
        type_, default, has = mine.attributes["type"], mine.attributes["default"], theirs.attributes
        if has["generated"] == "v":
            self._plan.blockers.append(
                f"{key.name} is a virtual generated column, which has no values: make it a plain column"
            )
            self._plan.unreadable = True
        elif has["generated"]:
            self._plan.note(key, "different", "is no longer generated; its values stay")
            self._plan.drops.append(f"{alter}DROP EXPRESSION")
        if has["identity"]:
            self._plan.note(key, "different", "is no identity any more; its values stay")
            self._plan.before.append(f"{alter}DROP IDENTITY")
        if has["type"] != type_ or has["collation"]:
            cleared = "IDENTITY" if has["identity"] else "DEFAULT" if has["default"] else ""
            self.changes.append(
                ColumnChange(
                    str(mine.on_table),
                    name,
                    str(has["type"]),
                    str(type_),
                    cleared,
                )
            )
        if has["collation"] and has["type"] == type_:
            self._plan.note(key, "different", f"loses the collation {has['collation']}")
            self._plan.before.append(f'{alter}TYPE {type_} COLLATE pg_catalog."default"')
        if has["type"] != type_:
            self._plan.note(key, "different", f"becomes {type_}, was {has['type']}")
            as_json = type_ == "jsonb" and has["type"] != "json"
            using = f"to_jsonb({name})" if as_json else f"{name}::{type_}"
            self._plan.before += [f"{alter}DROP DEFAULT", f"{alter}TYPE {type_} USING {using}"]
        elif has["default"] != default and not has["generated"]:
            self._plan.note(key, "different", f"its default becomes {default or 'nothing'}")
        if has["default"] != default or has["type"] != type_:
            self._plan.before.append(alter + (f"SET DEFAULT {default}" if default else "DROP DEFAULT"))
        if has["not_null"] == "yes" and mine.attributes["not_null"] != "yes":
            self._plan.note(key, "different", "may be NULL, as in v2")
            self._plan.before.append(f"{alter}DROP NOT NULL")

    def _constraint(self, key: Key, mine: Object, theirs: Object | None) -> None:
        name, alter = last(key), f"ALTER TABLE {mine.on_table} "
        wanted = mine.attributes["definition"]
        if theirs is not None:
            has = theirs.attributes
            sound = has["enforced"] == "yes" and has["valid_index"] == "yes"
            if sound and plain_rule(has["definition"]) == wanted:
                if has["validated"] != "yes" and key.name in ROOM:
                    # A row that breaks it could not even be mended.
                    self._plan.note(key, "different", "was NOT VALID; is validated, or made wider where rows need it")
                    self._drop(key, str(mine.on_table))
                    self._plan.after.append(add_rule(key, alter, name, str(wanted)))
                elif has["validated"] != "yes":
                    self._plan.note(key, "different", "was NOT VALID; is validated")
                    self._plan.after.append(add_rule(key, alter, name, str(wanted), again=True))
                return
            self._plan.note(key, "different", "is replaced")
            self._drop(key, str(mine.on_table))
        else:
            twin = self._twin(key, mine)
            if twin is not None:
                self._plan.note(key, "missing", f"is there as {last(twin.key)}, which is renamed")
                self._plan.before.append(f"{alter}RENAME CONSTRAINT {quoted(last(twin.key))} TO {name}")
                return
            self._plan.note(key, "missing", "is added, once every row keeps it")
            if Key("index", f"public.{name}") in self._found:
                self._plan.before.append(f"DROP INDEX public.{name}")
        self._plan.after.append(add_rule(key, alter, name, str(wanted)))

    def _index(self, key: Key, mine: Object, theirs: Object | None) -> None:
        wanted = str(mine.attributes["definition"])
        if theirs is not None:
            if theirs.attributes["definition"] == wanted and theirs.attributes["valid"] == "yes":
                return
            self._plan.note(key, "different", "is built anew")
            self._plan.after.append(f"DROP INDEX {key.name}")
        else:
            twin = next(
                (
                    thing
                    for other, thing in self._found.items()
                    if other.kind == "index"
                    and other not in self._expected
                    and thing.attributes["valid"] == "yes"
                    and str(thing.attributes["definition"]).replace(last(other), last(key), 1) == wanted
                ),
                None,
            )
            if twin is not None:
                self._plan.note(key, "missing", f"is there as {last(twin.key)}, which is renamed")
                self._plan.after.append(f"ALTER INDEX public.{quoted(last(twin.key))} RENAME TO {last(key)}")
                return
            self._plan.note(key, "missing", "is built")
        self._plan.after.append(wanted)

    def _function(self, key: Key, mine: Object, theirs: Object | None) -> None:
        wanted = str(mine.attributes["definition"])
        if theirs is None:
            namesake = next((other for other in self._found if same_signature(other, key)), None)
            if namesake is not None:
                self._plan.note(key, "different", "is replaced; who may run it stays")
                self._plan.after.append(replace_function(key, wanted))
                self._grant(key, namesake)
                return
            self._plan.note(key, "missing", "is made; for service_role, the upgrade decides who else")
            self._plan.after += [
                wanted,
                f"REVOKE ALL ON FUNCTION {key.name} FROM PUBLIC, anon, authenticated",
                f"GRANT EXECUTE ON FUNCTION {key.name} TO service_role",
            ]
            return
        if theirs.attributes["definition"] != wanted:
            self._plan.note(key, "different", "is replaced; who may run it stays")
            self._plan.after.append(replace_function(key, wanted))
        self._grant(key, key)

    def _grant(self, key: Key, there: Key) -> None:
        """Let service_role run what it may run in v2: since 2026 Supabase no longer grants that by itself."""
        if f"{there.name} to service_role" not in self._granted:
            self._plan.note(key, "different", "service_role may run it, too")
            self._plan.after.append(f"GRANT EXECUTE ON FUNCTION {key.name} TO service_role")

    def _trigger(self, key: Key, mine: Object, theirs: Object | None) -> None:
        wanted = str(mine.attributes["definition"])
        if theirs is None:
            self._plan.note(key, "missing", "is made")
            self._plan.after.append(wanted)
        elif theirs.attributes["definition"] != wanted:
            self._plan.note(key, "different", "is replaced")
            self._plan.after += [f"DROP TRIGGER {quoted(last(key))} ON {mine.on_table}", wanted]
        elif theirs.attributes["fires"] != mine.attributes["fires"]:
            self._plan.note(key, "different", f"was {theirs.attributes['fires']}; is enabled")
            self._plan.after.append(f"ALTER TABLE {mine.on_table} ENABLE TRIGGER {quoted(last(key))}")

    def _extra(self, key: Key, thing: Object) -> None:
        if thing.on_table not in self._tables:
            if key.kind == "table":
                self._beside(key)
            elif key.kind == "function" and not any(same_signature(key, mine) for mine in self._expected):
                self._stays(key)
            return
        getattr(self, f"_extra_{key.kind}", self._stays)(key, thing)

    def _beside(self, key: Key) -> None:
        table = metadata.tables.get(key.name)
        if table is not None and key.name not in self._tables:
            self._plan.blockers.append(
                f"a table {key.name} is there, and the upgrade makes one of that name: rename it first, with what uses it"
            )
            return
        self._stays(key)

    def _extra_column(self, key: Key, thing: Object) -> None:
        name = last(key)
        model = metadata.tables[str(thing.on_table)].c
        if name in model:
            self._plan.blockers.append(
                f"a column {key.name} is there, and the upgrade adds one of that name: rename it first"
            )
            return
        if _SECRET.search(name) and not _HASHED.search(name):
            self._plan.secrets.append(key.name)
        has = thing.attributes
        if has["not_null"] == "yes" and not (has["default"] or has["identity"] or has["generated"]):
            self._plan.note(key, "extra", "stays, and may be NULL: else no new row could be written")
            self._plan.before.append(f"ALTER TABLE {thing.on_table} ALTER COLUMN {quoted(name)} DROP NOT NULL")
            self._plan.extras.append(key)
        else:
            self._stays(key)

    def _extra_constraint(self, key: Key, thing: Object) -> None:
        mine = self._rules.get(key.name)
        for other, expected in self._expected.items():
            if other.kind != "constraint" or expected.on_table != thing.on_table:
                continue
            if self._twin(other, expected) is thing:
                return  # is renamed
            same_columns = mine is not None and columns_of_rule(expected) == set(mine[1])
            both = (mine[0] if mine else ""), type_of(expected)
            if (same_columns and both[0] == both[1] and both[0] in {"c", "f", "u"}) or both == ("p", "p"):
                self._plan.note(key, "extra", f"makes room for {last(other)}")
                self._drop(key, str(thing.on_table))
                return
        self._stays(key)

    def _extra_index(self, key: Key, thing: Object) -> None:  # noqa: ARG002 - one signature for all kinds
        name = last(key)
        renamed = any(
            difference.action == f"is there as {name}, which is renamed" for difference in self._plan.differences
        )
        dropped = f"DROP INDEX public.{name}" in self._plan.before
        if renamed or dropped:
            return
        heads = {index.name for table in metadata.tables.values() for index in table.indexes}
        if name in heads:
            self._plan.note(key, "extra", f"makes room for the upgrade's: is renamed to {name}_before")
            self._plan.before.append(f"ALTER INDEX public.{quoted(name)} RENAME TO {quoted(name + '_before')}")
            self._plan.extras.append(Key("index", f"public.{name}_before"))
            return
        self._stays(key)

    def _extra_trigger(self, key: Key, thing: Object) -> None:
        if "update_updated_at_column()" in str(thing.attributes["definition"]):
            self._plan.note(key, "extra", "goes: v2's own, or the upgrade's, does the same")
            self._plan.before.append(f"DROP TRIGGER {quoted(last(key))} ON {thing.on_table}")
            return
        self._stays(key)

    def _extra_rule(self, key: Key, thing: Object) -> None:
        if thing.attributes["fires"] == "D":
            self._stays(key)
            return
        self._plan.blockers.append(
            f"the rule {last(key)} on {thing.on_table} rewrites statements, those that mend rows too: drop it "
            f"(DROP RULE {quoted(last(key))} ON {thing.on_table})"
        )
        self._plan.unreadable = True

    def _extra_policy(self, key: Key, thing: Object) -> None:
        has = thing.attributes
        said = f"{has['command']} to {has['roles']}, using {has['using']}, with check {has['with_check']}"
        self._plan.note(key, "extra", f"goes, and row-level security stays as it is until the upgrade ({said})")
        self._plan.drops.insert(0, f"DROP POLICY {quoted(last(key))} ON {thing.on_table}")

    def _stays(self, key: Key, thing: Object | None = None) -> None:  # noqa: ARG002 - one signature for all kinds
        self._plan.note(key, "extra", "stays")
        self._plan.extras.append(key)

    def _drop(self, key: Key, table: str) -> None:
        """Drop a rule; foreign keys first, since others stand on what they refer to."""
        statement = f"ALTER TABLE {table} DROP CONSTRAINT {quoted(last(key))}"
        if self._rules[key.name][0] == "f":
            self._plan.drops.insert(0, statement)
        else:
            self._plan.drops.append(statement)

    def _twin(self, key: Key, mine: Object) -> Object | None:
        """The same rule under another name."""
        if key in self._found:
            return None
        return next(
            (
                thing
                for other, thing in sorted(self._found.items(), key=str)
                if other.kind == "constraint"
                and other not in self._expected
                and thing.on_table == mine.on_table
                and thing.attributes == mine.attributes
            ),
            None,
        )


def _relevant(catalog: Catalog) -> Catalog:
    return {
        key: thing
        for key, thing in catalog.items()
        if key.kind in KINDS and not key.name.startswith("tripwire.") and not (thing.on_table or "").startswith("auth.")
    }
