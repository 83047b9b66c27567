"""Each step, lock, part of a WHERE and RETURNING of each flow is taken out, and the tests that run the flow are run.

All of it happens in one run of pytest, which keeps its servers. For each mutant the tests of its flow are run, those of
the flow's own file first, until one fails that passes without the mutant; before them those that found another mutant of
it. A statement is the same for both repositories and on every server, so the sync one's tests on the newest PostgreSQL
speak for all.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest import mock

import pytest
from _pytest.runner import runtestprotocol

from tests.backend.flows.world import World
from tests.mutation import edits
from tests.mutation.mutants import Mutant, Record
from tripwire_db.engine.statement import FlowStatement

TOGETHER = "tests/faults/interleavings"
"""Tests of calls that come at once: only they can tell that a lock is missing, and they run first where one is."""
TESTS = ("tests/backend/flows", "tests/backend/sales", "tests/backend/video", "tests/backend/auth", TOGETHER)
NEAREST = 100
"""How many tests of a flow are run at most: those that are nearest to it. Some flows are called by five hundred."""
_PARAMETER = re.compile(r"%\((\w+)\)s|%%")


def mutants() -> list[Mutant]:
    """Every change of every statement that a flow sends."""
    from tripwire_db.flows import statements

    found: dict[str, Mutant] = {}
    for statement in statements().values():
        text, _ = _numbered(statement.sql)
        for what, _ in edits.edited(text, edits.of_flow):
            one = Mutant(statement.name, what, "", "", what.partition(" ")[0])
            found[one.name] = one
    return list(found.values())


def run(chosen: Sequence[Mutant], record: Record) -> None:
    """Try them by the tests of their flows."""
    once = "not async and not pg15 and not pg16 and not pg17"
    arguments = ["-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not heavy and not bench", "-k", once]
    code = pytest.main([*arguments, *TESTS], plugins=[_Plugin(chosen, record)])
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"pytest ended with {code!r}")


class _Plugin:
    """Replaces pytest's loop over its tests."""

    def __init__(self, chosen: Sequence[Mutant], record: Record) -> None:
        self._chosen, self._record = chosen, record
        self._sound: dict[str, bool] = {}
        self._finders: dict[str, list[Any]] = {}
        """By flow, the tests that found a mutant of it, the last one first."""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for mutant in self._chosen:
            finders = self._finders.setdefault(mutant.target, [])
            together = [item for item in session.items if item.nodeid.startswith(TOGETHER) and "lock" in mutant.change]
            nearest = dict.fromkeys([*together, *finders, *_tests_of(mutant.target, session.items)])
            tests = list(nearest)[:NEAREST]
            found = next((item for item in tests if self._finds(item, mutant)), None)
            if found is not None:
                finders[:] = [found, *(item for item in finders if item is not found)]
            self._record(mutant, found and found.nodeid)
        return True

    def _finds(self, item: pytest.Item, mutant: Mutant) -> bool:
        with _changed_statements(mutant):
            if not _fails(item):
                return False
        return self._sound.setdefault(item.nodeid, not _fails(item))


def _tests_of(flow: str, items: Sequence[Any]) -> list[Any]:
    """The tests of the file that is named after the flow, then those that name it, those that call it, and those beside."""
    sources = {item: f"{item.name} {inspect.getsource(item.function)}" for item in items}
    helpers = re.compile("|".join(rf"\.{helper}\(" for helper in _helpers_of(flow)) or r"(?!)")
    named = re.compile(rf"\b{flow}\b")
    own = [item for item in items if item.path.stem == f"test_{flow}"]
    naming = [item for item in items if named.search(sources[item])]
    calling = [item for item in items if helpers.search(sources[item])]
    # A file's own helpers call it, too.
    beside = [item for item in items if named.search(inspect.getsource(item.module))]
    return list(dict.fromkeys([*own, *naming, *calling, *beside]))


@cache
def _helpers_of(flow: str) -> set[str]:
    """The methods of the tests' world that call a flow, themselves or by another of them."""
    methods = [(name, member) for name, member in vars(World).items() if not name.startswith("__")]
    sources = {name: inspect.getsource(member) for name, member in methods if inspect.isfunction(member)}
    found: set[str] = set()
    while more := {
        name
        for name, source in sources.items()
        if name not in found and re.search("|".join([rf"\.{flow}\(", *(rf"\.{one}\(" for one in found)]), source)
    }:
        found |= more
    return found


def _fails(item: Any) -> bool:
    item._initrequest()  # fixtures of its own again, where it has run before
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=item.session))


@contextmanager
def _changed_statements(mutant: Mutant) -> Iterator[None]:
    flow = FlowStatement.flow

    def changed(statement: FlowStatement[Any], **parameters: Any) -> Any:
        is_meant = statement.name == mutant.target
        return flow(_changed(statement, mutant.change) if is_meant else statement, **parameters)

    with mock.patch.object(FlowStatement, "flow", changed):
        yield


@cache
def _changed(statement: FlowStatement[Any], change: str) -> FlowStatement[Any]:
    """The statement with a change, or as it is where it has no such place (a list without that filter)."""
    changed = FlowStatement(statement.name, statement.build, statement.decode)
    text, names = _numbered(statement.sql)
    found = dict(edits.edited(text, edits.of_flow))
    # A list with other filters counts its parameters otherwise.
    alike = {_unnumbered(name): edit for name, edit in reversed(found.items())}
    if edit := found.get(change) or alike.get(_unnumbered(change)):
        # The comment that names the flow: without it tests of what goes over the wire would find any change.
        comment = statement.sql[: statement.sql.index("*/") + 2]
        vars(changed)["sql"] = f"{comment}\n{_named(edit(), names)}"
    return changed


def _unnumbered(text: str) -> str:
    return re.sub(r"\$\d+", "$", text)


def _numbered(text: str) -> tuple[str, list[str]]:
    """The statement with `$1`, `$2`, …, which a parser takes."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] is None:
            return "%"
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _PARAMETER.sub(number, text), names


def _named(text: str, names: Sequence[str]) -> str:
    """The same with psycopg's `%(name)s` again."""
    return re.sub(r"\$(\d+)", lambda match: f"%({names[int(match[1]) - 1]})s", text.replace("%", "%%"))
