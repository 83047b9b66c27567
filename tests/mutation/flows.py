"""Each step, lock, part of a WHERE and RETURNING of each flow is taken out, and the tests that run the flow are run.

All of it happens in one run of pytest, which keeps its servers. For each mutant the tests of its flow are run, those of
the flow's own file first, until one fails that passes without the mutant. A statement is the same for both repositories, so
the sync one's tests speak for both.
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

TESTS = ("tests/backend/flows", "tests/backend/sales", "tests/backend/video", "tests/backend/auth")
_PARAMETER = re.compile(r"%\((\w+)\)s|%%")


def mutants() -> list[Mutant]:
    """Every change of every statement that a flow sends."""
    from tripwire_db.flows import statements

    found: dict[str, Mutant] = {}
    for statement in statements().values():
        text, _ = _numbered(statement.sql)
        for what, _ in edits.edited(text, edits.of_flow):
            one = Mutant(statement.name, what, "", "")
            found[one.name] = one
    return list(found.values())


def run(chosen: Sequence[Mutant], record: Record) -> None:
    """Try them by the tests of their flows."""
    arguments = ["-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not heavy and not bench", "-k", "not async"]
    code = pytest.main([*arguments, *TESTS], plugins=[_Plugin(chosen, record)])
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"pytest ended with {code!r}")


class _Plugin:
    """Replaces pytest's loop over its tests."""

    def __init__(self, chosen: Sequence[Mutant], record: Record) -> None:
        self._chosen, self._record = chosen, record
        self._sound: dict[str, bool] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for mutant in self._chosen:
            found = (item.nodeid for item in _tests_of(mutant.target, session.items) if self._finds(item, mutant))
            self._record(mutant, next(found, None))
        return True

    def _finds(self, item: pytest.Item, mutant: Mutant) -> bool:
        with _changed_statements(mutant):
            if not _fails(item):
                return False
        return self._sound.setdefault(item.nodeid, not _fails(item))


def _tests_of(flow: str, items: Sequence[Any]) -> list[Any]:
    """The tests of the file that is named after the flow, of others those that call it or are of it, then those beside."""
    calls = re.compile("|".join([rf"\b{flow}\b", *(rf"\.{helper}\(" for helper in _helpers_of(flow))]))
    own = [item for item in items if item.path.stem == f"test_{flow}"]
    calling = [item for item in items if calls.search(f"{item.name} {inspect.getsource(item.function)}")]
    # A file's own helpers call it, too.
    beside = [item for item in items if re.search(rf"\b{flow}\b", inspect.getsource(item.module))]
    return list(dict.fromkeys([*own, *calling, *beside]))


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
        vars(changed)["sql"] = _named(edit(), names)
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
