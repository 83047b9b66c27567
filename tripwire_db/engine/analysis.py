"""What a flow did, step by step: read from the server's own account of one run (EXPLAIN ANALYZE)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tripwire_db.engine.statement import Flow
from tripwire_db.errors import TripwireError

PLAN = "EXPLAIN "
ANALYZE = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
WHOLE_PLAN = "EXPLAIN (ANALYZE, BUFFERS) "
_BUFFERS = ("Shared Hit Blocks", "Shared Read Blocks")

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StepRun:
    """One gate, step or the report of a flow, as it ran.

    Attributes:
        name: of the gate or step, as in the statement; `report` for the final SELECT.
        kind: `gate`, `step` or `report`.
        table: the one that a step writes.
        rows: how many it gave or wrote; None for what was never read, and so did not run.
        milliseconds: its own, without those of the gates and steps that it read.
        buffers: pages of tables and indexes that it looked at, likewise.
        closed: whether it is the gate that stopped the flow.
    """

    name: str
    kind: str
    table: str | None
    rows: int | None
    milliseconds: float
    buffers: int
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Analysis:
    """A flow that was run in a transaction, and undone.

    Attributes:
        flow: its name.
        steps: gates and steps in the order of the statement, then the report.
        planning_ms: milliseconds of planning.
        execution_ms: milliseconds of the run, with triggers and foreign keys.
        triggers_ms: milliseconds of these alone.
        stopped_by: the gate that let nothing through, where no step wrote a row for that.
        outcome: what the call would have given: `done`, or the error's class and message.
        plan: the server's whole plan, where it was asked for.
    """

    flow: str
    steps: tuple[StepRun, ...]
    planning_ms: float
    execution_ms: float
    triggers_ms: float
    stopped_by: str | None
    outcome: str
    plan: str = ""

    def __str__(self) -> str:
        wide = max(len(step.name) for step in self.steps)
        tables = max(len(_what(step)) for step in self.steps)
        lines = [
            f"{self.flow}: {self.execution_ms:.2f} ms in the server, planning {self.planning_ms:.2f} ms; undone",
            *(_line(step, wide, tables) for step in self.steps),
        ]
        if self.triggers_ms:
            lines.append(f"  triggers and foreign keys: {self.triggers_ms:.2f} ms")
        return "\n".join([*lines, f"Outcome: {self.outcome}"])


def _what(step: StepRun) -> str:
    return step.table or step.kind


def _line(step: StepRun, wide: int, tables: int) -> str:
    rows = "not read" if step.rows is None else _count(step.rows, "row")
    line = f"  {step.name:<{wide}}  {_what(step):<{tables}}  {rows:>8}"
    if step.rows is not None:
        line += f"  {step.milliseconds:>8.2f} ms  {step.buffers:>6} buffers"
    return line + ("  <- closed: nothing behind it happens" if step.closed else "")


def analysis_of(flow: Flow[Any], explained: Node, rows: Sequence[Any], plan: str = "") -> Analysis:
    """What the server told of a run, and what the same flow's report means.

    Args:
        flow: the one that ran.
        explained: the only element of what `ANALYZE` gave.
        rows: the report of the same flow, run in the same state.
        plan: the whole plan, as text.
    """
    top = explained["Plan"]
    parts = {
        name.removeprefix("CTE "): node for node in _nodes(top) if (name := node.get("Subplan Name", ""))[:4] == "CTE "
    }
    definition = flow.definition
    steps = [_run(name, definition.tables.get(name), parts.get(name)) for name in definition.parts]
    stopped_by = _stopped_by(steps, parts)
    report = _run("report", None, top, kind="report")
    return Analysis(
        flow=flow.name,
        steps=(*(replace(step, closed=step.name == stopped_by) for step in steps), report),
        planning_ms=float(explained["Planning Time"]),
        execution_ms=float(explained["Execution Time"]),
        triggers_ms=sum(float(trigger["Time"]) for trigger in explained.get("Triggers", ())),
        stopped_by=stopped_by,
        outcome=_outcome(flow, rows),
        plan=plan,
    )


def _outcome(flow: Flow[Any], rows: Sequence[Any]) -> str:
    try:
        result = flow.decode(rows)
    except TripwireError as refused:
        return f"{type(refused).__name__}: {refused}"
    if isinstance(result, Sequence) and not isinstance(result, str):
        return f"done: {_count(len(result), 'row')}"
    # Flags and figures tell what happened; texts, which may be names, do not.
    told = [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in ((name, getattr(result, name)) for name in getattr(result, "__dataclass_fields__", ()))
        if isinstance(value, bool | int | float)
    ]
    return f"done: {', '.join(told)}" if told else "done"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _run(name: str, table: str | None, node: Node | None, kind: str | None = None) -> StepRun:
    kind = kind or ("step" if table else "gate")
    if node is None or not node["Actual Loops"]:
        return StepRun(name, kind, table, None, 0.0, 0)
    read = list(_reads(node))
    milliseconds = _milliseconds(node) - sum(map(_milliseconds, read))
    buffers = _buffers(node) - sum(map(_buffers, read))
    return StepRun(
        name, kind, table, round(node["Actual Rows"] * node["Actual Loops"]), max(milliseconds, 0.0), max(buffers, 0)
    )


def _milliseconds(node: Node) -> float:
    return float(node["Actual Total Time"]) * int(node["Actual Loops"])


def _buffers(node: Node) -> int:
    return sum(int(node.get(name, 0)) for name in _BUFFERS)


def _nodes(node: Node) -> Iterator[Node]:
    """A node of the plan and all below it."""
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _reads(node: Node) -> Iterator[Node]:
    """Where a gate or step reads others: the scans of them, and not what merely hangs there in the plan."""
    if node["Node Type"] == "CTE Scan":
        yield node
        return
    for child in node.get("Plans", ()):
        if not child.get("Subplan Name", "").startswith("CTE "):
            yield from _reads(child)


def _stopped_by(steps: Sequence[StepRun], parts: Mapping[str, Node]) -> str | None:
    """The first gate without a row from which all steps hang, where none of them wrote anything."""
    written = [step for step in steps if step.kind == "step"]
    if not written or any(step.rows for step in written):
        return None
    for gate in steps:
        if gate.kind == "gate" and gate.rows == 0 and all(_hangs_from(step.name, gate.name, parts) for step in written):
            return gate.name
    return None


def _hangs_from(reader: str, wanted: str, parts: Mapping[str, Node]) -> bool:
    """Whether a step reads a gate, itself or by what it reads."""
    ahead, seen = [reader], {reader}
    while ahead:
        node = parts.get(ahead.pop())
        names = set() if node is None else {str(scan["CTE Name"]) for scan in _reads(node)}
        ahead.extend(names - seen)
        seen |= names
    return wanted in seen
