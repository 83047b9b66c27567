"""The statements that bring one object to what v2 has, and what their texts tell."""

import re

from tripwire_db.postgres.catalog import Key, Object
from tripwire_db.tables import metadata

# Rules of v2 that the next revisions replace by wider ones. Where rows need the room, they get it from the start: with
# v2's rule NOT VALID, the live application could not touch a blocked student any more.
ROOM = {
    "public.users.users_role_check": (
        "CHECK (role IN ('student', 'sales_manager', 'admin', 'curator', 'tech_support', 'sales'))"
    ),
    "public.tripwire_users.tripwire_users_status_check": (
        "CHECK (status IN ('active', 'inactive', 'completed', 'blocked'))"
    ),
    "public.sales_activity_log.sales_activity_log_action_type_check": (
        "CHECK (action_type IN ('user_created', 'user_status_updated', 'user_deleted', 'email_sent', 'password_reset', "
        "'lesson_completed', 'module_unlocked', 'certificate_issued', 'certificate_revoked'))"
    ),
}

# A log entry outlives the people in it: the next revisions take these off, so entries of people who are gone may stay.
OF_THE_LOG = {
    "public.sales_activity_log.sales_activity_log_manager_id_fkey": "manager_id",
    "public.sales_activity_log.sales_activity_log_target_user_id_fkey": "target_user_id",
}

_ON_TABLES = {"column", "constraint", "trigger", "policy", "rule"}


def last(key: Key) -> str:
    """The object's own name, without its schema and table; it may hold a point itself."""
    if key.kind == "function":
        return key.name
    return key.name.split(".", 2 if key.kind in _ON_TABLES else 1)[-1]


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def plain_rule(definition: str | None) -> str:
    """A rule's definition, whether it has been validated or not."""
    return (definition or "").removesuffix(" NOT VALID")


def type_of(constraint: Object) -> str:
    """The kind of a rule, as `pg_constraint.contype` has it."""
    definition = str(constraint.attributes["definition"])
    return {"PRIMARY": "p", "UNIQUE": "u", "FOREIGN": "f", "CHECK": "c"}[definition.split(maxsplit=1)[0]]


def columns_of_rule(constraint: Object) -> set[str]:
    """The columns that a rule of v2 is about."""
    definition = str(constraint.attributes["definition"])
    if type_of(constraint) == "c":
        table = metadata.tables[str(constraint.on_table)]
        return {
            column for column in re.findall(r"\b[a-z_]+\b", re.sub(r"'[^']*'", "", definition)) if column in table.c
        }
    inside = definition[definition.index("(") + 1 : definition.index(")")]
    return {name.strip() for name in inside.split(",")}


def unless_null(table: str, column: str) -> str:
    """SET NOT NULL; not for the log's manager while an entry has none, which the upgrade allows."""
    statement = f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL"
    if (table, column) != ("public.sales_activity_log", "manager_id"):
        return statement
    return f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM {table} WHERE {column} IS NULL) THEN {statement}; END IF; END $$"


def add_rule(key: Key, alter: str, name: str, definition: str, *, again: bool = False) -> str:
    """Add a rule, or have one hold for every row that was NOT VALID.

    Those that the next revisions replace stay wider or NOT VALID where rows need it.
    """
    table = alter.split()[2]
    if key.name in ROOM:
        wide = ROOM[key.name]
        narrow = definition.removeprefix("CHECK ")
        return (
            f"DO $$ BEGIN IF EXISTS (SELECT FROM {table} WHERE NOT {narrow}) "
            f"THEN {alter}ADD CONSTRAINT {name} {wide}; ELSE {alter}ADD CONSTRAINT {name} {definition}; END IF; "
            f"END $$"
        )
    if key.name in OF_THE_LOG:
        column = OF_THE_LOG[key.name]
        done = f"{alter}VALIDATE CONSTRAINT {name}" if again else f"{alter}ADD CONSTRAINT {name} {definition}"
        left = "" if again else f"ELSE {alter}ADD CONSTRAINT {name} {definition} NOT VALID; "
        return (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM {table} l WHERE l.{column} IS NOT NULL "
            f"AND NOT EXISTS (SELECT FROM auth.users a WHERE a.id = l.{column})) THEN {done}; {left}END IF; END $$"
        )
    return f"{alter}VALIDATE CONSTRAINT {name}" if again else f"{alter}ADD CONSTRAINT {name} {definition}"


def replace_function(key: Key, definition: str) -> str:
    """Replace a function; where its result or its arguments differ it is dropped first, and who may run it is kept."""
    return f"""DO $replace$
DECLARE
    acl aclitem[] := (SELECT proacl FROM pg_catalog.pg_proc WHERE oid = '{signature(key)}'::regprocedure);
    grantee text;
BEGIN
    EXECUTE {_literal(definition)};
EXCEPTION WHEN invalid_function_definition THEN
    DROP FUNCTION {signature(key)};
    EXECUTE {_literal(definition)};
    IF acl IS NOT NULL THEN
        REVOKE ALL ON FUNCTION {signature(key)} FROM PUBLIC;
        FOR grantee IN
            SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END FROM aclexplode(acl) AS g
        LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION {signature(key)} TO %s', grantee);
        END LOOP;
    END IF;
END
$replace$"""


def signature(key: Key) -> str:
    """A function's name and the types of its arguments, without their names."""
    name, _, rest = key.name.partition("(")
    arguments = [part.strip() for part in rest.rstrip(")").split(",")]
    return f"{name}({', '.join(part.partition(' ')[2] or part for part in arguments)})"


def same_signature(one: Key, other: Key) -> bool:
    """Whether two functions would be one to PostgreSQL, though their arguments have other names."""
    return one.kind == other.kind == "function" and one != other and signature(one) == signature(other)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
