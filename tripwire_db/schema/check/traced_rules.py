"""Rules told by what each statement did to the tables that were there: nothing that hides in a DO block escapes them."""

import re
from collections.abc import Iterator

from tripwire_db.schema.check.run import Told
from tripwire_db.schema.statements import statements
from tripwire_db.schema.tracing import TableWork, TracedRevision, TracedStatement

RULES = {
    "table-rewrite": "No table that is there already is rewritten while everybody waits.",
    "scan-under-lock": "No table that is there already is read from end to end while its writers wait.",
    "index-not-concurrently": "An index on a table that is there already is built CONCURRENTLY.",
}

_STOPS_WRITERS = ("reads and writes", "writes")
_DEFINES = re.compile(r"(alter|create)\b", re.IGNORECASE)


def judge(traced: TracedRevision) -> Iterator[Told]:
    """Yield what a revision's statements do to others, each with the words that tell its line."""
    locked: dict[str, str] = {}
    for statement in traced.statements:
        for lock in statement.locks:
            if lock.blocks in _STOPS_WRITERS and locked.get(lock.table) != _STOPS_WRITERS[0]:
                locked[lock.table] = lock.blocks
        for work in statement.work:
            yield from _work(statement, work, locked.get(work.table))
        if not statement.transactional:
            locked.clear()


def _work(statement: TracedStatement, work: TableWork, waiting: str | None) -> Iterator[Told]:
    place = _places(statement, work)
    if work.rewritten:
        yield (
            "table-rewrite",
            f"{work.table} is rewritten, and all that use it wait: do it in steps (migrations.md)",
            place,
        )
        return
    if work.indexes_built and statement.transactional:
        for index in work.indexes_built:
            name = index.rpartition(".")[2]
            yield (
                "index-not-concurrently",
                f"index {name} is built on {work.table}, which is there already, and stops its writers meanwhile; "
                "build it CONCURRENTLY, in a revision of its own",
                (name, *place),
            )
    elif work.scans and waiting is not None and _is_definition(statement):
        yield (
            "scan-under-lock",
            f"{work.table} is read from end to end while its {waiting} wait: add the constraint NOT VALID, and VALIDATE "
            "it in the next revision",
            place,
        )


def _is_definition(statement: TracedStatement) -> bool:
    texts = (statement.sql, *(nested.sql for nested in statement.nested))
    return any(_DEFINES.match(one.masked) for text in texts for one in statements(text))


def _places(statement: TracedStatement, work: TableWork) -> tuple[str | int, ...]:
    """The line of the statement inside that names the table, else the first of all."""
    found = [one.first_line for one in statements(statement.sql)]
    bare = work.table.rpartition(".")[2]
    return (*(line for line in found if bare in line), *found, *((statement.line,) if statement.line else ()))
