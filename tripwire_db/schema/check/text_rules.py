"""Rules told by a revision's SQL: what squawk says, and what it misses."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tripwire_db.schema.check.chain import Revision
from tripwire_db.schema.statements import Statement, statements

RULES = {
    "update-without-where": "UPDATE has a WHERE: one that touches every row says so.",
    "delete-without-where": "DELETE has a WHERE: one that empties a table says so.",
    "lock-timeout": "Nothing waits for a lock without a limit, and no limit leaks into later revisions.",
    "transaction": "A revision is one transaction, or CONCURRENTLY alone: it neither begins nor ends one itself.",
}

SQUAWK_EXCLUDED = {
    "transaction-nesting": "the runner writes BEGIN and COMMIT, and a rule of our own looks at the revisions",
    "prefer-bigint-over-int": "ids of modules and lessons, and counters to three, fit an integer",
    "prefer-robust-stmts": "IF NOT EXISTS hides a difference; leftovers of CONCURRENTLY are dropped by build_indexes",
    "require-timeout-settings": "the runner sets both, and a rule of our own looks for revisions that undo it",
}
"""Rules of squawk that are not asked, each with the reason."""

# A constraint, an index or a trigger is nobody's interface.
_HARMLESS_RENAMES = re.compile(r"Renaming an? (constraint|index|trigger)\b")

_UPDATE = re.compile(r"^update\b(?!.*\bwhere\b)", re.IGNORECASE | re.DOTALL)
_DELETE = re.compile(r"^(delete\s+from\b(?!.*\bwhere\b)|truncate\b)", re.IGNORECASE | re.DOTALL)
_TIMEOUT = re.compile(
    r"^set\s+(?P<scope>local\s+|session\s+)?(?P<name>lock_timeout|statement_timeout)\s*(?:=|to)\s*(?P<value>\S+)",
    re.IGNORECASE,
)
_SET_CONFIG = re.compile(
    r"set_config\s*\(\s*'(lock_timeout|statement_timeout)'\s*,\s*'([^']*)'\s*,\s*(\w+)", re.IGNORECASE
)
_TRANSACTION = re.compile(r"^(begin|start\s+transaction|commit|rollback|end)\s*(work|transaction)?$", re.IGNORECASE)

# What the runner writes around a revision.
_OWN_WORK = re.compile(r"-- Running (?:up|down)grade [^\n]*\n(.*)", re.DOTALL)


def own_sql(offline: str) -> str:
    """The part of a revision's offline SQL that is its own, line numbers kept."""
    match = _OWN_WORK.search(offline)
    if match is None:
        return offline
    return "\n" * offline.count("\n", 0, match.start(1)) + match[1]


def lint(revision: Revision, offline: str) -> Iterator[tuple[str, str, str]]:
    """Yield `(rule, message, fragment)` for each thing that is wrong; the fragment tells where it stands."""
    for statement in statements(own_sql(offline)):
        # What stands in none of the revision's files was written by the runner.
        if not revision.has(statement.first_line):
            continue
        for rule, message in _faults(statement):
            yield rule, message, statement.first_line
    if "lock_timeout" not in offline.partition("-- Running")[0]:
        yield (
            "lock-timeout",
            "no lock_timeout is set before this revision: let env.py call tripwire_db.schema.runner.run()",
            "def upgrade",
        )


def _faults(statement: Statement) -> Iterator[tuple[str, str]]:
    if _UPDATE.match(statement.masked):
        yield "update-without-where", "UPDATE without WHERE touches every row; say which"
    if _DELETE.match(statement.masked):
        yield "delete-without-where", "DELETE without WHERE (or TRUNCATE) empties the table; say which rows"
    if match := _TIMEOUT.match(statement.sql):
        if (match["scope"] or "").strip().lower() != "local":
            yield "lock-timeout", f"SET {match['name']} leaks into later revisions; use SET LOCAL"
        elif _is_none(match["value"]):
            yield "lock-timeout", f"{match['name']} is switched off; give it a limit"
    for name, value, is_local in _SET_CONFIG.findall(statement.sql):
        if is_local.lower() != "true" or _is_none(value):
            yield "lock-timeout", f"{name} is switched off, or leaks into later revisions"
    if _TRANSACTION.match(statement.masked) and not statement.inside:
        yield "transaction", f"{statement.masked.upper()} inside a revision: the runner makes its transaction"


def _is_none(value: str) -> bool:
    return bool(re.fullmatch(r"'?(0+(us|ms|s|min|h|d)?|default)'?;?", value.strip(), re.IGNORECASE))


def squawk_program() -> Path | None:
    """The squawk of this environment (`squawk-cli`), or of the PATH."""
    beside = Path(sys.executable).parent / "squawk"
    found = str(beside) if beside.is_file() else shutil.which("squawk")
    return Path(found) if found else None


def squawk(program: Path, offline: str) -> Iterator[tuple[str, str, str]]:
    """What squawk says of a revision's SQL, as `(rule, message, fragment)`."""
    excluded = [word for rule in SQUAWK_EXCLUDED for word in ("--exclude", rule)]
    command: list[str] = [
        str(program),
        "--reporter",
        "json",
        "--pg-version",
        "15.0",
        "--assume-in-transaction",
        *excluded,
    ]
    done = subprocess.run(command, input=offline, capture_output=True, text=True, check=False, timeout=60)
    if not done.stdout.strip():
        if done.returncode:
            raise RuntimeError(f"squawk failed: {done.stderr.strip()[:300]}")
        return
    lines = offline.splitlines()
    for found in json.loads(done.stdout):
        if found["rule_name"] == "renaming-object" and _HARMLESS_RENAMES.match(found["message"]):
            continue
        line = lines[found["line"]].rstrip("; ") if found["line"] < len(lines) else ""
        help_text = f" {found['help']}" if found.get("help") else ""
        yield f"squawk:{found['rule_name']}", f"{found['message']}{help_text}", line
