"""Rules told by each statement that reached the server, and by those that it executed in turn."""

import re
from collections.abc import Iterator

from tripwire_db.schema.check.run import Told
from tripwire_db.schema.runner.session_state import transaction_control
from tripwire_db.schema.statements import Statement, statements
from tripwire_db.schema.tracing import TracedRevision

RULES = {
    "update-without-where": "UPDATE has a WHERE that names a column: one that touches every row says so.",
    "delete-without-where": "DELETE has a WHERE that names a column: one that empties a table says so.",
    "merge-without-condition": "MERGE joins on a condition that names a column.",
    "lock-timeout": "Nothing waits for a lock without a limit, and no limit leaks into later revisions.",
    "session-settings": "A setting lasts no longer than the revision that makes it.",
    "transaction": "A revision is one transaction, or CONCURRENTLY alone: it neither begins nor ends one itself.",
    "if-not-exists": "What is made is not there yet: no IF NOT EXISTS hides that it is.",
    "cascade": "What is dropped is named: no CASCADE takes more along.",
    "explicit-lock": "No LOCK TABLE keeps readers or writers of a table waiting.",
    "repeatable-data": "Data that a revision writes is the same wherever it runs: no clock, no randomness.",
    "network": "A revision asks no other computer and starts no program.",
}

# At the beginning, or where a CTE begins or ends: there stands a statement, not a clause (ON UPDATE, FOR UPDATE …).
_CHANGE = re.compile(
    r"(?:^|[()])\s*(?P<verb>update|delete\s+from|merge\s+into)\s+(?:only\s+)?(?P<table>(?:[\w$]+|\"[^\"]+\")(?:\.(?:[\w$]+|\"[^\"]+\"))?)",
    re.IGNORECASE,
)
_TRUNCATE = re.compile(r"truncate\s+(?:table\s+)?(?:only\s+)?(?P<table>[\w.\"$]+)", re.IGNORECASE)
_CLAUSE = {
    "update": re.compile(r"\bwhere\b(.*?)(?:\breturning\b|$)", re.IGNORECASE | re.DOTALL),
    "delete": re.compile(r"\bwhere\b(.*?)(?:\breturning\b|$)", re.IGNORECASE | re.DOTALL),
    "merge": re.compile(r"\bon\b(.*?)\bwhen\b", re.IGNORECASE | re.DOTALL),
}
_COLUMN = re.compile(
    r"(?<![\w$])(?!(?:true|false|null|and|or|not|is|in|between|exists|select)\b)[a-z_\"]", re.IGNORECASE
)
_SAYS = {
    "update": ("update-without-where", "UPDATE without WHERE touches every row; say which"),
    "delete": ("delete-without-where", "DELETE without WHERE (or TRUNCATE) empties the table; say which rows"),
    "merge": ("merge-without-condition", "MERGE joins every row with every other one; say ON which columns"),
}

_TIMEOUT = re.compile(
    r"set\s+(?:local\s+|session\s+)?\"?(?P<name>lock_timeout|statement_timeout)\"?\s*(?:=|to)\s*(?P<value>\S+)",
    re.IGNORECASE,
)
_SET_CONFIG = re.compile(r"set_config\s*\(\s*'(lock_timeout|statement_timeout)'\s*,\s*'([^']*)'", re.IGNORECASE)
_EXISTS = re.compile(r"^(create|alter)\b.*?\bif\s+not\s+exists\b", re.IGNORECASE | re.DOTALL)
_CASCADE = re.compile(
    r"^(?:drop|truncate|revoke|alter)\b.*(?<!delete )(?<!update )\bcascade\b", re.IGNORECASE | re.DOTALL
)
_LOCK = re.compile(
    r"^lock\s+(?!.*\bin\s+(access\s+share|row\s+share|row\s+exclusive|share\s+update\s+exclusive)\s+mode\b)",
    re.IGNORECASE | re.DOTALL,
)
_WRITES = re.compile(r"\b(insert\s+into|update|merge\s+into)\b", re.IGNORECASE)
_CHANCE = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|random|random_normal|gen_random_uuid"
    r"|gen_random_bytes|uuidv4|uuidv7|uuid_generate_v\d\w*)\s*\(|\b(current_timestamp|current_date|current_time"
    r"|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(dblink\w*|http|http_get|http_post|net\.http_\w+)\s*\(|\b(from|to)\s+program\b|^create\s+(server|subscription)\b",
    re.IGNORECASE,
)


def judge(traced: TracedRevision) -> Iterator[Told]:
    """Yield what is wrong with the statements of a revision, each with the words that tell its line."""
    for top in traced.statements:
        first = next(iter(statements(top.sql)), None)
        outer = first.first_line if first is not None else ""
        told: set[tuple[str, str]] = set()
        for text in (top.sql, *(nested.sql for nested in top.nested)):
            for statement in statements(text):
                for rule, message in _faults(statement, traced.tables):
                    if (rule, message) not in told or text is top.sql:
                        told.add((rule, message))
                        yield rule, message, (statement.first_line, outer, *((top.line,) if top.line else ()))


def _faults(statement: Statement, tables: frozenset[str]) -> Iterator[tuple[str, str]]:
    yield from _changes(statement.masked, tables)
    yield from _timeouts(statement.sql)
    masked = statement.masked
    if transaction_control(statement.sql) and not statement.inside:
        yield "transaction", f"{masked.upper()} inside a revision: the runner makes its transaction"
    if _EXISTS.match(masked):
        yield "if-not-exists", "IF NOT EXISTS hides a difference: the chain knows what is there"
    if _CASCADE.match(masked):
        yield "cascade", "CASCADE takes along what nobody named; drop each thing by its name"
    if _LOCK.match(masked):
        yield (
            "explicit-lock",
            "LOCK TABLE keeps others waiting until the revision's end; let the change take its own lock",
        )
    if (
        _WRITES.search(masked)
        and masked.split(None, 1)[0].lower() not in _DEFINES
        and (found := _CHANCE.search(masked))
    ):
        name = (found[1] or found[2]).lower()
        yield "repeatable-data", f"{name} makes other data at each run; write the value, or take it from a row"
    if _ELSEWHERE.search(masked):
        yield "network", "a revision must not depend on another computer or program"


_DEFINES = ("create", "alter", "comment", "do", "grant", "revoke", "drop", "lock")


def _changes(masked: str, tables: frozenset[str]) -> Iterator[tuple[str, str]]:
    """UPDATE, DELETE and MERGE of every row, in a CTE too; a table that the revision itself has made is its own."""
    if (emptied := _TRUNCATE.match(masked)) and _is_there(emptied["table"], tables):
        yield _SAYS["delete"]
    for found in _CHANGE.finditer(masked):
        verb = found["verb"].split()[0].lower()
        if not _is_there(found["table"], tables):
            continue
        clause = _CLAUSE[verb].search(_to_closing(masked[found.end() :]))
        if clause is None or not _COLUMN.search(clause[1]):
            yield _SAYS[verb]


def _to_closing(text: str) -> str:
    """A text up to the parenthesis that closes what stands around it; what is in parentheses of its own stays."""
    depth = 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 0:
            return text[:place]
    return text


def _is_there(name: str, tables: frozenset[str]) -> bool:
    bare = name.replace('"', "")
    known = {table.replace('"', "") for table in tables}
    return bare in known if "." in bare else any(table.endswith(f".{bare}") for table in known)


def _timeouts(sql: str) -> Iterator[tuple[str, str]]:
    values = [(found["name"], found["value"]) for found in [_TIMEOUT.match(sql)] if found]
    for name, value in (*values, *_SET_CONFIG.findall(sql)):
        if re.fullmatch(r"'?(0+(us|ms|s|min|h|d)?|default)'?;?", value.strip(), re.IGNORECASE):
            yield "lock-timeout", f"{name.lower()} is switched off; give it a limit"
