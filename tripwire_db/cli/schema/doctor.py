"""`tripwire-db doctor`: find what is damaged, show it, mend exactly what was shown."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND

if TYPE_CHECKING:
    from tripwire_db.schema.doctor import Damage, Result

_LONGEST = 60  # characters of a value

Fix = Annotated[bool, typer.Option("--fix", help="Mend what is shown; without it nothing is changed.")]


def doctor(fix: Fix = False, database_url: options.DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Find rows that older code, a crash or a hand left damaged; with --fix, mend exactly those.

    Orphans, e-mails, counters, missing rows and unlocks, certificates, segments, INVALID indexes. Works from the first
    revision on, beside the traffic. What only a person can know is listed with advice and never made up.

    The exit code is 1 where something is left to do, 0 for a healthy database.
    """
    from tripwire_db.schema.doctor import State, examine, mend

    with targets.application(database_url) as target:
        findings = examine(target.url)
        results = mend(target.url, findings) if fix and findings else ()
    if as_json:
        output.show_json({"healthy": not findings, "findings": _document(findings, results)})
    elif findings:
        _show(findings, results)
    else:
        output.say("Healthy: nothing found.")
    left = [result for result in results if result.state is not State.MENDED] if fix else findings
    if left:
        raise typer.Exit(FOUND)


def _document(findings: "tuple[Damage, ...]", results: "tuple[Result, ...]") -> list[dict[str, Any]]:
    states = {result.finding.identity: result for result in results}
    listed: list[dict[str, Any]] = []
    for finding in findings:
        result = states.get(finding.identity)
        state = "found" if result is None else result.state.value
        listed.append(
            {
                **{name: getattr(finding, name) for name in finding.__slots__},
                "mendable": finding.mendable,
                "state": state,
                "note": result.note if result else "",
            }
        )
    return listed


def _show(findings: "tuple[Damage, ...]", results: "tuple[Result, ...]") -> None:
    from tripwire_db.schema.doctor import KINDS, State

    states = {result.finding.identity: result for result in results}
    for kind in KINDS:
        of_kind = [finding for finding in findings if finding.kind == kind.name]
        if not of_kind:
            continue
        columns = ["table", "row", "is", "should be", "why"] + (["outcome"] if results else [])
        rows: list[list[object]] = []
        for finding in of_kind:
            result = states.get(finding.identity)
            outcome = [] if result is None else [result.state.value + _because(result)]
            rows.append(
                [
                    finding.table,
                    _row(finding),
                    _values(finding.found, of=finding.wanted, empty="missing"),
                    _values(finding.wanted, of=finding.found, empty="a person must say"),
                    finding.reason,
                    *outcome,
                ]
            )
        output.show(output.table(f"{kind.name}: {kind.title} ({len(of_kind)})", columns, rows))
    if results:
        counts = Counter(result.state for result in results)
        output.say(", ".join(f"{count} {state.value}" for state, count in sorted(counts.items())) + ".")
        if counts[State.CHANGED]:
            output.say("What has changed meanwhile was left alone: run tripwire-db doctor again.")
    else:
        mendable = sum(finding.mendable for finding in findings)
        output.say(f"{len(findings)} found; nothing was changed. {len(findings) - mendable} need a person.")
        if mendable:
            output.say(f"Next: tripwire-db doctor --fix mends {mendable}.")


def _because(result: "Result") -> str:
    return f": {result.note}" if result.note and result.note != result.finding.reason else ""


def _row(finding: "Damage") -> str:
    """Which row, for people: the e-mail rather than the id of a person."""
    parts = [
        f"{name} {value}" for name, value in finding.key.items() if name not in {"user_id", "id"} or not finding.email
    ]
    return " ".join([*([finding.email] if finding.email else []), *parts])


def _values(values: Any, *, of: Any, empty: str) -> str:
    """Columns and values; only those that differ, where both sides are there."""
    if values is None:
        return empty
    shown = {name: value for name, value in values.items() if of is None or of.get(name, ...) != value}
    return ", ".join(f"{name} {_value(value)}" for name, value in shown.items() if name not in {"user_id", "id"}) or "–"


def _value(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
