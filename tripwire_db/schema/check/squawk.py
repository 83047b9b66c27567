"""What squawk, a linter of SQL, says of a revision."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tripwire_db.schema.check.run import Told

SQUAWK_EXCLUDED = {
    "transaction-nesting": "the runner writes BEGIN and COMMIT, and a rule of our own looks at the revisions",
    "prefer-bigint-over-int": "ids of modules and lessons, and counters to three, fit an integer",
    "prefer-robust-stmts": "IF NOT EXISTS hides a difference; leftovers of CONCURRENTLY are dropped by build_indexes",
    "require-timeout-settings": "the runner sets both, and a rule of our own looks for revisions that undo it",
}
"""Rules of squawk that are not asked, each with the reason."""

# A constraint, an index or a trigger is nobody's interface.
_HARMLESS_RENAMES = re.compile(r"Renaming an? (constraint|index|trigger)\b")

# What the runner writes around a revision.
_OWN_WORK = re.compile(r"-- Running (?:up|down)grade [^\n]*\n(.*)", re.DOTALL)


def own_sql(offline: str) -> str:
    """The part of a revision's offline SQL that is its own, line numbers kept."""
    match = _OWN_WORK.search(offline)
    if match is None:
        return offline
    return "\n" * offline.count("\n", 0, match.start(1)) + match[1]


def squawk_program() -> Path | None:
    """The squawk of this environment (`squawk-cli`), or of the PATH."""
    beside = Path(sys.executable).parent / "squawk"
    found = str(beside) if beside.is_file() else shutil.which("squawk")
    return Path(found) if found else None


def squawk(program: Path, offline: str) -> Iterator[Told]:
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
