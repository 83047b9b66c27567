"""Each step, lock, part of a WHERE and RETURNING of each flow is taken out, and the tests that run the flow are run.

All of it happens in one run of pytest, which keeps its servers, and a module's database from test to test. For each mutant
the tests of its flow are run until one is found that fails with it, fails with it again, and passes where the statement is
written anew without it. A statement is the same for both repositories and on every server, so the sync one's tests on the
newest PostgreSQL speak for all.
"""

import inspect
import re
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain, zip_longest
from typing import Any
from unittest import mock

import pytest
from _pytest.runner import runtestprotocol

from tests.backend.flows.world import World
from tests.mutation import edits
from tests.mutation.mutants import Mutant, Record
from tripwire_db.engine.statement import FlowStatement

TOGETHER = "tests/faults/interleavings"
"""Tests of calls that come at once, in every order: where a lock is missing, they come before those that call it alone."""
TESTS = ("tests/backend/flows", "tests/backend/sales", "tests/backend/video", "tests/backend/auth", TOGETHER)
MOST = 100
"""So many tests at most of those that call a flow beside others; some flows are called by five hundred. They are taken in
rounds over the files, and those that are about the flow, or name it, are all run before."""
LONGEST_SECONDS = 120
"""A test that takes longer has failed: a change may make it wait for ever."""
REWRITTEN = "written anew"
"""No change but the printer's words."""
_PEOPLE = ("auth_user_left_behind", "auth_users", "create_tripwire_user", "create_manager", "delete_student")
_CERTIFICATES = ("certificates",)
OWN = {
    "complete_lesson": ("complete_lesson", "course_as_data"),
    "create_manager": ("create_manager", *_PEOPLE),
    "create_tripwire_user": ("create_tripwire_user", *_PEOPLE),
    "find_account": ("correct_student",),
    "find_auth_user_by_email": _PEOPLE,
    "find_auth_user_by_id": _PEOPLE,
    "find_correctable": ("correct_student",),
    "get_student": ("students", "bystanders"),
    "is_used": _PEOPLE,
    "issue_certificate": _CERTIFICATES,
    "list_students": ("students", "lists"),
    "revoke_certificate": _CERTIFICATES,
    "search_activity": ("search",),
    "search_watched_segments": ("search", "searched_segments"),
    "unlock_next_module": ("unlock_next_module", "course_as_data"),
    "update_lesson": ("lessons",),
    "update_video_tracking": ("calls", "older_rows", "heartbeats_at_once", "properties"),
    "verify_certificate": _CERTIFICATES,
}
"""Whose tests are about the flow, where they are not in a file that is named after it alone."""
EACH = "test_called_again_beside_other_students"
"""What calls every flow that writes."""
_TOGETHER = re.compile(r"at_once|\bbehind\(|\bheld\(")
"""What a test's source has that lets its calls wait for one another."""
_PARAMETER = re.compile(r"%\((\w+)\)s|%%")


def mutants() -> list[Mutant]:
    """Every change of every statement that a flow sends; of a list with several filters, each once."""
    from tripwire_db.flows import statements

    found: dict[str, Mutant] = {}
    for statement in statements().values():
        text, _ = _numbered(statement.sql)
        for what, _ in edits.edited(text, edits.of_flow):
            one = Mutant(statement.name, what, "", "", f"{statement.name} {what.partition(' ')[0]}")
            found.setdefault(_unnumbered(one.name), one)
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
        self._sound: dict[tuple[str, str], bool] = {}
        self._finders: dict[str, list[Any]] = {}
        """By flow, the tests that found a mutant of it, the last one first."""
        self._flows: dict[str, set[str]] = {}
        """By test, the flows that it calls, once it has passed."""

    def pytest_configure(self) -> None:
        """A property's failing example is enough as it is, and the same in each run."""
        from hypothesis import Phase, settings

        settings.register_profile("mutation", phases=(Phase.explicit, Phase.generate), database=None, derandomize=True)
        settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for mutant in self._chosen:
            finders = self._finders.setdefault(mutant.target, [])
            near, others = _tests_of(mutant, session.items)
            found = self._finder(mutant, [*finders, *near]) or self._finder(mutant, others, most=MOST)
            if found is not None:
                finders[:] = [found, *(item for item in finders if item is not found)]
            self._record(mutant, found and found.nodeid)
        return True

    def _finder(self, mutant: Mutant, tests: Iterable[pytest.Item], most: int | None = None) -> pytest.Item | None:
        asked: set[str] = set()
        for item in dict.fromkeys(tests):
            calls_it = mutant.target in self._flows.get(item.nodeid, {mutant.target})
            if not (calls_it and self._sound.get((item.nodeid, mutant.target), True)):
                continue  # as is known by now
            if len(asked) == most:
                break
            if self._finds(item, mutant):
                return item
            if mutant.target in self._flows.get(item.nodeid, ()):
                asked.add(item.nodeid)
        return None

    def _finds(self, item: pytest.Item, mutant: Mutant) -> bool:
        if not (self._fails_with(item, mutant) and self._fails_with(item, mutant)):
            return False
        key = (item.nodeid, mutant.target)
        if key not in self._sound:
            self._sound[key] = not self._fails_with(item, Mutant(mutant.target, REWRITTEN, "", ""))
        return self._sound[key]

    def _fails_with(self, item: pytest.Item, mutant: Mutant) -> bool:
        called: set[str] = set()
        with _changed_statements(mutant, called):
            failed = _fails(item)
        if not failed:
            self._flows[item.nodeid] = called
        return failed


def _tests_of(mutant: Mutant, items: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The tests that are about the flow, or name it; and those that call it by a helper, or stand beside such tests.

    Properties come last: each of their examples takes as long as another test.
    """
    flow = mutant.target
    sources = {item: f"{item.name} {_source(item.function)}" for item in items}
    helpers = re.compile("|".join(rf"\.{helper}\(" for helper in _helpers_of(flow)) or r"(?!)")
    named = re.compile(rf"\b{flow}\b")
    own = [item for item in items if item.path.stem.removeprefix("test_") in OWN.get(flow, (flow,))]
    naming = [item for item in items if named.search(sources[item])]
    calling = [item for item in items if helpers.search(sources[item])]
    # A file's own helpers call it, too.
    beside = [item for item in items if named.search(_source(item.module))]
    together = [item for item in items if item.name.startswith(EACH)]
    if mutant.change.startswith(("lock of ", "advisory lock")):
        together += [item for item in [*naming, *calling, *beside] if _TOGETHER.search(sources[item])]
        together += [item for item in items if item.nodeid.startswith(TOGETHER)]
    near = dict.fromkeys([*_each_function_first(own), *together, *_in_rounds(naming)])
    others = [item for item in _in_rounds([*calling, *beside]) if item not in near]
    return sorted(near, key=_is_property), sorted(others, key=_is_property)


def _each_function_first(items: Sequence[Any]) -> list[Any]:
    """One of each function's tests, then those of other parameters."""
    seen: set[Any] = set()
    first = [item for item in items if item.function not in seen and not seen.add(item.function)]
    return [*first, *(item for item in items if item not in first)]


def _is_property(item: Any) -> bool:
    return hasattr(item.function, "hypothesis")


def _in_rounds(items: Iterable[Any]) -> Iterator[Any]:
    """One of each file, then another one of each: so that none is left out for the many tests of another."""
    files: dict[Any, dict[Any, None]] = {}
    for item in items:
        files.setdefault(item.path, {})[item] = None
    rounds = zip_longest(*files.values())
    return (item for item in chain.from_iterable(rounds) if item is not None)


@cache
def _source(of: Any) -> str:
    return inspect.getsource(of)


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
    state = item.session._setupstate
    state.teardown_exact(item.parent)  # what another module has set up
    item._initrequest()  # fixtures of its own again, where it has run before
    with _alarm():
        reports = runtestprotocol(item, log=False, nextitem=item.parent)
    failed = any(report.failed for report in reports)
    if failed:
        state.teardown_exact(item.session)  # it may have left the module's database in any state
    return failed


@contextmanager
def _alarm() -> Iterator[None]:
    def fail(*_: Any) -> None:
        pytest.fail(f"it takes longer than {LONGEST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(LONGEST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _changed_statements(mutant: Mutant, called: set[str]) -> Iterator[None]:
    flow = FlowStatement.flow

    def changed(statement: FlowStatement[Any], **parameters: Any) -> Any:
        called.add(statement.name)
        is_meant = statement.name == mutant.target
        return flow(_changed(statement, mutant.change) if is_meant else statement, **parameters)

    with mock.patch.object(FlowStatement, "flow", changed):
        yield


@cache
def _changed(statement: FlowStatement[Any], change: str) -> FlowStatement[Any]:
    """The statement with a change, or as it is where it has no such place (a list without that filter)."""
    changed = FlowStatement(statement.name, statement.build, statement.decode)
    text, names = _numbered(statement.sql)
    if edit := _edit_of(text, change):
        # The comment that names the flow: without it tests of what goes over the wire would find any change.
        comment = statement.sql[: statement.sql.index("*/") + 2]
        vars(changed)["sql"] = f"{comment}\n{_named(edit(), names)}"
    return changed


def _edit_of(text: str, change: str) -> Callable[[], str] | None:
    if change == REWRITTEN:
        return lambda: edits.rewritten(text)
    found = dict(edits.edited(text, edits.of_flow))
    # A list with other filters counts its parameters otherwise.
    alike = {_unnumbered(name): edit for name, edit in reversed(found.items())}
    return found.get(change) or alike.get(_unnumbered(change))


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
