"""Each attribute of each object of the catalog is changed on a live database, and `drift` is asked.

Each change is made in a transaction that drift then reads in, and that is rolled back: one database serves them all.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import psycopg

from tests.mutation.mutants import Mutant, Record
from tripwire_db import migrations
from tripwire_db.embedded import scratch_cluster
from tripwire_db.errors import TripwireError
from tripwire_db.postgres.catalog import Catalog, Key, Object
from tripwire_db.postgres.connect import connect
from tripwire_db.schema import drift
from tripwire_db.schema.drift.snapshot import _PINNED
from tripwire_db.schema.project import COURSE

_GRANTEES = ("public", "anon", "authenticated", "service_role")
_TABLE_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")

_THIS_FUNCTION = (
    "pronamespace::regnamespace || '.' || proname || '(' || pg_get_function_identity_arguments(oid) || ')' = '{name}'"
)

# By kind, what is changed and how. The name of an object, its table and the attributes that drift reads stand in braces.
CHANGES: Mapping[str, Mapping[str, str]] = {
    "schema": {
        "owner": "ALTER SCHEMA {name} OWNER TO service_role",
        "comment": "COMMENT ON SCHEMA {name} IS 'mutant'",
        "name": "ALTER SCHEMA {name} RENAME TO mutant",
    },
    "table": {
        "dropped": "DROP TABLE {name} CASCADE",
        "name": "ALTER TABLE {name} RENAME TO mutant",
        "schema": "CREATE SCHEMA mutant; ALTER TABLE {name} SET SCHEMA mutant",
        "owner": "ALTER TABLE {name} OWNER TO service_role",
        "comment": "COMMENT ON TABLE {name} IS 'mutant'",
        "row-level security": "UPDATE pg_catalog.pg_class SET relrowsecurity = NOT relrowsecurity"
        " WHERE oid = '{name}'::regclass",
        "forced row-level security": "ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        "replica identity": "ALTER TABLE {name} REPLICA IDENTITY FULL",
        "fillfactor": "ALTER TABLE {name} SET (fillfactor = 33)",
        "toast options": "UPDATE pg_catalog.pg_class SET reloptions = '{{autovacuum_enabled=off}}'"
        " WHERE oid = (SELECT reltoastrelid FROM pg_catalog.pg_class WHERE oid = '{name}'::regclass)",
        "published": "CREATE PUBLICATION mutant FOR TABLE {name}",
        "child": "CREATE TABLE public.mutant () INHERITS ({name})",
        "rule": "CREATE RULE mutant AS ON DELETE TO {name} DO INSTEAD NOTHING",
        "policy added": "CREATE POLICY mutant ON {name} FOR SELECT TO authenticated USING (true)",
        "policy for all added": "CREATE POLICY mutant ON {name} USING (true) WITH CHECK (true)",
        "column added": "ALTER TABLE {name} ADD COLUMN mutant integer",
        "check added": "ALTER TABLE {name} ADD CONSTRAINT mutant CHECK (1 = 1)",
        "trigger added": "CREATE TRIGGER mutant BEFORE UPDATE ON {name} FOR EACH ROW"
        " EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
        "triggers off": "ALTER TABLE {name} DISABLE TRIGGER ALL",
        "view opened": "CREATE VIEW public.mutant AS SELECT * FROM {name}; GRANT SELECT ON public.mutant TO anon",
        "statistics": "CREATE STATISTICS public.mutant ON (1 + length({name}::text)) FROM {name}",
    },
    "column": {
        "dropped": "ALTER TABLE {table} DROP COLUMN {column} CASCADE",
        "name": "ALTER TABLE {table} RENAME COLUMN {column} TO mutant",
        "not null": "ALTER TABLE {table} ALTER COLUMN {column} {null} NOT NULL",
        "default": "ALTER TABLE {table} ALTER COLUMN {column} {default_change}",
        "comment": "COMMENT ON COLUMN {table}.{column} IS 'mutant'",
        "statistics target": "ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 77",
        "n_distinct": "ALTER TABLE {table} ALTER COLUMN {column} SET (n_distinct = 7)",
        "granted": "GRANT UPDATE ({column}) ON {table} TO authenticated",
        "hidden type": "UPDATE pg_catalog.pg_attribute SET atttypmod = 11"
        " WHERE attrelid = '{table}'::regclass AND attname = '{column}' AND atttypid = 'text'::regtype",
        "storage": "UPDATE pg_catalog.pg_attribute SET attstorage = CASE attstorage WHEN 'x' THEN 'e' ELSE 'x' END::\"char\""
        " WHERE attrelid = '{table}'::regclass AND attname = '{column}' AND attlen < 0",
        "compression": "ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION pglz",
        "collation": "UPDATE pg_catalog.pg_attribute SET attcollation = 'pg_catalog.\"C\"'::regcollation"
        " WHERE attrelid = '{table}'::regclass AND attname = '{column}' AND attcollation <> 0",
    },
    "constraint": {
        "dropped": "ALTER TABLE {table} DROP CONSTRAINT {last} CASCADE",
        "name": "ALTER TABLE {table} RENAME CONSTRAINT {last} TO mutant",
        "comment": "COMMENT ON CONSTRAINT {last} ON {table} IS 'mutant'",
        "deferrable": "ALTER TABLE {table} ALTER CONSTRAINT {last} DEFERRABLE",
        "initially deferred": "ALTER TABLE {table} ALTER CONSTRAINT {last} DEFERRABLE INITIALLY DEFERRED",
        "not enforced": "ALTER TABLE {table} ALTER CONSTRAINT {last} NOT ENFORCED",
        "not valid": "UPDATE pg_catalog.pg_constraint SET convalidated = false"
        " WHERE conrelid = '{table}'::regclass AND conname = '{last}'",
        "loosened": "ALTER TABLE {table} DROP CONSTRAINT {last}, ADD CONSTRAINT {last} CHECK (true)",
        "does nothing on delete": "UPDATE pg_catalog.pg_constraint SET confdeltype = CASE confdeltype WHEN 'a' THEN 'c' ELSE 'a' END::\"char\""
        " WHERE conrelid = '{table}'::regclass AND conname = '{last}' AND contype = 'f'",
        "cascades on update": "UPDATE pg_catalog.pg_constraint SET confupdtype = 'c'"
        " WHERE conrelid = '{table}'::regclass AND conname = '{last}' AND contype = 'f'",
        "invalid index": "UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid ="
        " (SELECT conindid FROM pg_catalog.pg_constraint WHERE conrelid = '{table}'::regclass AND conname = '{last}' AND contype IN ('p', 'u'))",
        "fillfactor of its index": "UPDATE pg_catalog.pg_class SET reloptions = '{{fillfactor=33}}' WHERE oid ="
        " (SELECT conindid FROM pg_catalog.pg_constraint WHERE conrelid = '{table}'::regclass AND conname = '{last}' AND contype IN ('p', 'u'))",
    },
    "index": {
        "dropped": "DROP INDEX {name}",
        "name": "ALTER INDEX {name} RENAME TO mutant",
        "comment": "COMMENT ON INDEX {name} IS 'mutant'",
        "fillfactor": "ALTER INDEX {name} SET (fillfactor = 33)",
        "GIN's option": "ALTER INDEX {name} SET (fastupdate = off)",
        "invalid": "UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass",
        "not ready": "UPDATE pg_catalog.pg_index SET indisready = false WHERE indexrelid = '{name}'::regclass",
        "replica identity": "UPDATE pg_catalog.pg_index SET indisreplident = true WHERE indexrelid = '{name}'::regclass",
        "unique": "UPDATE pg_catalog.pg_index SET indisunique = NOT indisunique WHERE indexrelid = '{name}'::regclass",
        "predicate": "UPDATE pg_catalog.pg_index SET indpred = NULL WHERE indexrelid = '{name}'::regclass AND indpred IS NOT NULL",
        "order": "UPDATE pg_catalog.pg_index SET indoption = array_to_string("
        "ARRAY(SELECT o # 3 FROM unnest(indoption::int2[]) AS o), ' ')::int2vector"
        " WHERE indexrelid = '{name}'::regclass AND (SELECT amname FROM pg_catalog.pg_am a JOIN pg_catalog.pg_class c ON c.relam = a.oid"
        " WHERE c.oid = indexrelid) = 'btree'",
        "clustered": "ALTER TABLE {table} CLUSTER ON {last}",
    },
    "trigger": {
        "dropped": "DROP TRIGGER {last} ON {table}",
        "name": "ALTER TRIGGER {last} ON {table} RENAME TO mutant",
        "comment": "COMMENT ON TRIGGER {last} ON {table} IS 'mutant'",
        "disabled": "ALTER TABLE {table} DISABLE TRIGGER {last}",
        "replica only": "ALTER TABLE {table} ENABLE REPLICA TRIGGER {last}",
        "always": "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {last}",
        "when": "UPDATE pg_catalog.pg_trigger SET tgtype = tgtype # 2 WHERE tgrelid = '{table}'::regclass AND tgname = '{last}'",
        "event": "UPDATE pg_catalog.pg_trigger SET tgtype = tgtype # 8 WHERE tgrelid = '{table}'::regclass AND tgname = '{last}'",
        "function": "UPDATE pg_catalog.pg_trigger SET tgfoid = 'pg_catalog.suppress_redundant_updates_trigger'::regproc"
        " WHERE tgrelid = '{table}'::regclass AND tgname = '{last}'",
    },
    "policy": {
        "dropped": "DROP POLICY {last} ON {table}",
        "name": "ALTER POLICY {last} ON {table} RENAME TO mutant",
        "comment": "COMMENT ON POLICY {last} ON {table} IS 'mutant'",
        "opened": "ALTER POLICY {last} ON {table} USING (true)",
        "shut": "ALTER POLICY {last} ON {table} USING (false)",
        "for everybody": "ALTER POLICY {last} ON {table} TO PUBLIC",
        "for visitors, too": "ALTER POLICY {last} ON {table} TO anon, authenticated",
        "restrictive": "UPDATE pg_catalog.pg_policy SET polpermissive = NOT polpermissive"
        " WHERE polrelid = '{table}'::regclass AND polname = '{last}'",
        "command": "UPDATE pg_catalog.pg_policy SET polcmd = CASE polcmd WHEN '*' THEN 'r' ELSE '*' END::\"char\""
        " WHERE polrelid = '{table}'::regclass AND polname = '{last}'",
    },
    "function": {
        "dropped": "DROP FUNCTION {name} CASCADE",
        "name": "ALTER FUNCTION {name} RENAME TO mutant",
        "schema": "CREATE SCHEMA mutant; ALTER FUNCTION {name} SET SCHEMA mutant",
        "owner": "ALTER FUNCTION {name} OWNER TO service_role",
        "comment": "COMMENT ON FUNCTION {name} IS 'mutant'",
        "volatility": "UPDATE pg_catalog.pg_proc SET provolatile = CASE provolatile WHEN 'v' THEN 's' ELSE 'v' END::\"char\""
        " WHERE {this_function}",
        "immutable": "ALTER FUNCTION {name} IMMUTABLE",
        "runs as": "UPDATE pg_catalog.pg_proc SET prosecdef = NOT prosecdef WHERE {this_function}",
        "leakproof": "ALTER FUNCTION {name} LEAKPROOF",
        "strict": "UPDATE pg_catalog.pg_proc SET proisstrict = NOT proisstrict WHERE {this_function}",
        "parallel": "UPDATE pg_catalog.pg_proc SET proparallel = CASE proparallel WHEN 'r' THEN 's' ELSE 'r' END::\"char\""
        " WHERE {this_function}",
        "cost": "ALTER FUNCTION {name} COST 77",
        "rows": "UPDATE pg_catalog.pg_proc SET prorows = 77 WHERE {this_function} AND proretset",
        "search path": "ALTER FUNCTION {name} SET search_path = public, pg_temp",
        "settings": "ALTER FUNCTION {name} RESET ALL",
        "a setting": "ALTER FUNCTION {name} SET row_security = off",
        "body": "UPDATE pg_catalog.pg_proc SET prosrc = prosrc || '-- mutant' WHERE {this_function}",
    },
    "sequence": {
        "name": "ALTER SEQUENCE {name} RENAME TO mutant",
        "owner": "ALTER SEQUENCE {name} OWNER TO service_role",
        "comment": "COMMENT ON SEQUENCE {name} IS 'mutant'",
        "type": "ALTER SEQUENCE {name} AS integer",
        "start": "ALTER SEQUENCE {name} START 77",
        "increment": "ALTER SEQUENCE {name} INCREMENT 7",
        "minimum": "ALTER SEQUENCE {name} MINVALUE -7",
        "maximum": "ALTER SEQUENCE {name} MAXVALUE 77777",
        "cache": "ALTER SEQUENCE {name} CACHE 7",
        "cycle": "ALTER SEQUENCE {name} CYCLE",
        "unlogged": "ALTER SEQUENCE {name} SET UNLOGGED",
        "granted": "GRANT USAGE ON SEQUENCE {name} TO anon",
    },
    "event_trigger": {
        "dropped": "DROP EVENT TRIGGER {name}",
        "name": "ALTER EVENT TRIGGER {name} RENAME TO mutant",
        "comment": "COMMENT ON EVENT TRIGGER {name} IS 'mutant'",
        "disabled": "ALTER EVENT TRIGGER {name} DISABLE",
        "replica only": "ALTER EVENT TRIGGER {name} ENABLE REPLICA",
        "always": "ALTER EVENT TRIGGER {name} ENABLE ALWAYS",
        "tags": "UPDATE pg_catalog.pg_event_trigger SET evttags = '{{mutant}}' WHERE evtname = '{name}'",
        "event": "UPDATE pg_catalog.pg_event_trigger SET evtevent = 'login' WHERE evtname = '{name}'",
    },
    "role": {
        "superuser": "ALTER ROLE {name} SUPERUSER",
        "passes by policies": "UPDATE pg_catalog.pg_authid SET rolbypassrls = NOT rolbypassrls WHERE rolname = '{name}'",
        "login": "UPDATE pg_catalog.pg_authid SET rolcanlogin = NOT rolcanlogin WHERE rolname = '{name}'",
        "makes roles": "ALTER ROLE {name} CREATEROLE",
        "makes databases": "ALTER ROLE {name} CREATEDB",
        "replication": "ALTER ROLE {name} REPLICATION",
        "a setting": "ALTER ROLE {name} SET row_security = off",
        "reads all": "GRANT pg_read_all_data TO {name}",
        "member of another": "GRANT pg_monitor TO {name}",
    },
    "membership": {"revoked": "REVOKE {last_word} FROM {first_word}"},
    "auth_function": {
        "body": "UPDATE pg_catalog.pg_proc SET prosrc = prosrc || '-- mutant' WHERE oid = '{name}'::regprocedure",
        "runs as": "UPDATE pg_catalog.pg_proc SET prosecdef = NOT prosecdef WHERE oid = '{name}'::regprocedure",
        "volatility": "ALTER FUNCTION {name} VOLATILE",
    },
}
# What belongs to no single object.
_OF_DATABASE = {
    "create granted": "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO anon', current_database()); END $$",
    "a setting": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET row_security = off', current_database()); END $$",
    "everything published": "CREATE PUBLICATION mutant FOR ALL TABLES",
    "default privileges on tables": "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon",
    "default privileges on functions": "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO anon",
    "auth.users granted": "GRANT SELECT ON auth.users TO authenticated",
    "auth.users without row-level security": "ALTER TABLE auth.users DISABLE ROW LEVEL SECURITY",
    "a trigger on auth.users": "CREATE TRIGGER mutant AFTER INSERT ON auth.users FOR EACH ROW"
    " EXECUTE FUNCTION public.update_updated_at_column()",
}


def mutants(catalog: Catalog) -> list[Mutant]:
    """Every change, of every object that the catalog has."""
    found = [Mutant("database", what, "", change) for what, change in _OF_DATABASE.items()]
    for key, one in sorted(catalog.items(), key=lambda item: str(item[0])):
        names = _names(one)
        found += [
            Mutant(str(key), what, "", change.format_map(names)) for what, change in CHANGES.get(key.kind, {}).items()
        ]
        found += _grants(key, catalog)
    return found


def run(chosen: Sequence[Mutant], record: Record) -> None:
    """Make each change and ask drift; one that PostgreSQL refuses, or that changes no row, is no mutant."""
    with _prepared() as url:
        head = drift.chain_at(migrations.heads()[0])
        with connect(url) as connection, mock.patch.object(drift, "chain_at", return_value=head):
            for mutant in chosen:
                record(mutant, found_by(connection, mutant))


def found_by(connection: psycopg.Connection[Any], mutant: Mutant) -> str | None:
    """Say what drift finds of a mutant; None where it finds nothing."""
    connection.rollback()
    try:
        changed = connection.execute(mutant.after.encode())
    except psycopg.Error as error:
        connection.rollback()
        return f"impossible: {error.sqlstate}"
    if changed.statusmessage == "UPDATE 0":
        return "impossible: there is none"
    try:
        with mock.patch.object(drift, "reading", return_value=_reading(connection)):
            found = drift.find_drift("")
    except (psycopg.Error, TripwireError) as error:
        connection.rollback()
        return f"refused: {type(error).__name__}"
    return next((str(one.kind) for one in found.findings), None)


def of_database() -> list[Mutant]:
    """The mutants of what the chain makes."""
    with _prepared() as url, connect(url) as connection:
        connection.execute("SET search_path = ''")
        return mutants(COURSE.read_catalog(connection))


@contextmanager
def _prepared() -> Iterator[str]:
    with scratch_cluster() as cluster:
        url = cluster.create_database("live")
        COURSE.ready(url)
        migrations.upgrade(url, quiet=True)
        with connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET allow_system_table_mods = on")
        yield url


@contextmanager
def _reading(connection: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """Stand in for drift's own connection, in the mutant's transaction."""
    for name, value in {**_PINNED, "transaction_read_only": "on"}.items():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
    yield connection
    connection.rollback()


def _names(one: Object) -> dict[str, str]:
    name, attributes = one.key.name, one.attributes
    last = name.rpartition(".")[2]
    words = name.split()
    return {
        "name": name,
        "this_function": _THIS_FUNCTION.format(name=name),
        "table": one.on_table or "",
        "column": last,
        "last": last,
        "first_word": words[0],
        "last_word": words[-1],
        "null": "DROP" if attributes.get("not_null") == "yes" else "SET",
        "default_change": "DROP DEFAULT" if attributes.get("default") else "SET DEFAULT current_setting('mutant')",
    }


def _grants(key: Key, catalog: Catalog) -> Iterator[Mutant]:
    """Each privilege that somebody of the API has is taken, or may be passed on; each that they lack is granted."""
    privileges = {"table": _TABLE_PRIVILEGES, "function": ("EXECUTE",), "schema": ("USAGE", "CREATE")}.get(key.kind, ())
    for role in _GRANTEES if key.name != "public" else _GRANTEES[1:]:
        grant = catalog.get(Key("grant", f"{key.name} to {role}"))
        held = (grant.attributes["privileges"] or "").split(", ") if grant else []
        for privilege in privileges:
            target = f"{privilege} ON {key.kind} {key.name}"
            if privilege not in held:
                yield Mutant(str(key), f"{privilege} to {role}", "", f"GRANT {target} TO {role}")
                continue
            yield Mutant(str(key), f"{privilege} from {role}", "", f"REVOKE {target} FROM {role}")
            if role != "public":
                change = f"{privilege} to {role} with grant option"
                yield Mutant(str(key), change, "", f"GRANT {target} TO {role} WITH GRANT OPTION")
