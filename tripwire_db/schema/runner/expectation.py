"""The checks at the head of generated SQL: no other migration runs now, and the database is at the revision expected."""

from collections.abc import Iterable
from textwrap import indent

from tripwire_db.schema.runner.locks import GROUP, SESSION
from tripwire_db.schema.runner.steps import spell_heads
from tripwire_db.schema.runner.version_table import VersionTable


def expectation(table: VersionTable, name: str, expected: Iterable[str] | None, *, again: Iterable[str] = ()) -> str:
    """Write the DO block that refuses a database which is elsewhere, or which somebody migrates.

    Args:
        table: Where the database says where it is.
        name: Of the step, for the message.
        expected: The revisions that the step goes on from: none where it begins, at a version table that is missing or
            empty. None leaves it to the step.
        again: Those that it ends at, for a step that may run twice, since it is no transaction.
    """
    # Tried, not waited for: a waiting session would hold a snapshot.
    body = f"""\
    IF NOT pg_catalog.pg_try_advisory_xact_lock({GROUP}, {SESSION}) THEN
        RAISE EXCEPTION 'Somebody else is migrating this database.'
            USING ERRCODE = 'lock_not_available';
    END IF;
"""
    if expected is not None:
        body += _place(table, name, sorted(expected), sorted(again))
    return f"DO $expect$\nBEGIN\n{body}END\n$expect$;"


def _place(table: VersionTable, name: str, before: list[str], after: list[str]) -> str:
    """The checks of where the database is; a version table that is missing must not be read at all."""
    expects = f"{name} expects the database at {spell_heads(before)}; it"
    refused = "USING ERRCODE = 'object_not_in_prerequisite_state';"
    missing = f"pg_catalog.to_regclass({_literal(str(table))}) IS NULL"
    elsewhere = " AND ".join(_elsewhere(table, heads) for heads in (before, after) if heads or not before)
    look = f"""\
IF {elsewhere} THEN
    RAISE EXCEPTION '{expects} is at %.', (
        SELECT coalesce(string_agg(version_num, ', ' ORDER BY version_num), '{spell_heads(())}') FROM {table}
    )
        {refused}
END IF;
"""
    if not before:
        return f"    IF NOT {missing} THEN\n{indent(look, ' ' * 8)}    END IF;\n"
    return f"""\
    IF {missing} THEN
        RAISE EXCEPTION '{expects} has no table %.', {_literal(str(table))}
            {refused}
    END IF;
{indent(look, " " * 4)}"""


def _elsewhere(table: VersionTable, heads: list[str]) -> str:
    if not heads:
        return f"EXISTS (SELECT FROM {table})"
    listed = ", ".join(f"'{head}'" for head in heads)
    return f"(SELECT count(*) FROM {table} WHERE version_num IN ({listed})) <> {len(heads)}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
