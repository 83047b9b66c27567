"""The checks at the head of generated SQL: no other migration runs now, and the database is at the revision expected."""

from collections.abc import Iterable

from tripwire_db.schema.runner.locks import GROUP, SESSION
from tripwire_db.schema.runner.steps import spell_heads
from tripwire_db.schema.runner.version_table import VersionTable


def expectation(table: VersionTable, name: str, expected: Iterable[str], *, again: Iterable[str] = ()) -> str:
    """Write the DO block that refuses a database which is elsewhere, or which somebody migrates.

    Args:
        table: Where the database says where it is.
        name: Of the step, for the message.
        expected: The revisions that the step goes on from; none for the first one.
        again: Those that it ends at, for a step that may run twice, since it is no transaction.
    """
    before, after = sorted(expected), sorted(again)
    checks = [
        # Tried, not waited for: a waiting session would hold a snapshot.
        f"    IF NOT pg_catalog.pg_try_advisory_xact_lock({GROUP}, {SESSION}) THEN\n"
        "        RAISE EXCEPTION 'Somebody else is migrating this database.'\n"
        "            USING ERRCODE = 'lock_not_available';\n"
        "    END IF;"
    ]
    if before:
        elsewhere = [_elsewhere(table, heads) for heads in (before, after) if heads]
        checks.append(
            f"    IF {' AND '.join(elsewhere)} THEN\n"
            f"        RAISE EXCEPTION '{name} expects the database at {spell_heads(before)}.'\n"
            "            USING ERRCODE = 'object_not_in_prerequisite_state';\n"
            "    END IF;"
        )
    body = "\n".join(checks)
    return f"DO $expect$\nBEGIN\n{body}\nEND\n$expect$;"


def _elsewhere(table: VersionTable, heads: list[str]) -> str:
    listed = ", ".join(f"'{head}'" for head in heads)
    return f"(SELECT count(*) FROM {table} WHERE version_num IN ({listed})) <> {len(heads)}"
