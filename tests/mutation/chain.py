"""Each statement of each revision is left out, doubled or altered, and `check` is run on the chain.

A run of check takes a minute, so two things are cut short: it begins with the revision that is changed, on a copy of
what those before it made, and it ends at its first finding. A survivor has gone up to head.
"""

import copy
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import FrameType
from typing import Any

from psycopg import sql

from tests.mutation import edits
from tests.mutation.mutants import Mutant, Record
from tests.mutation.platform import Platform
from tripwire_db import migrations
from tripwire_db.embedded.hosted import hosted_server
from tripwire_db.postgres.catalog import Catalog, Key
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.url import parse
from tripwire_db.schema import check
from tripwire_db.schema.check import platform_rules, structure
from tripwire_db.schema.check.chain import Chain, Revision, opened
from tripwire_db.schema.check.climb import _CHAIN, _Climb
from tripwire_db.schema.check.run import Run
from tripwire_db.schema.check.state import State, read_state
from tripwire_db.schema.project import COURSE
from tripwire_db.schema.tracing import tracing_server

_SORT = re.compile(r"without (AT_\w+|NOT NULL|DEFAULT)|WHERE|CHECK|ON DELETE")
"""What a change says of its kind, where the rest of it names something."""

Rewrite = Callable[[str, str], str]
"""Takes `<revision> upgrade` or `<revision> downgrade` and the SQL that it is about to run; gives what runs instead."""

_OF_THE_RUN = re.compile(
    r'"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f-]{17}|[0-9a-f]{64}|20[0-9-]{8}T[0-9:.]{12,15}[+-][0-9:]+)"'
)
"""Values in rows that are others in each run: random ids, and times to the microsecond."""


def mutants() -> list[Mutant]:
    """Every change of every statement, in the chain's order."""
    found: dict[str, Mutant] = {}
    with _rewriting() as (chain, set_rewrite):
        for revision in chain.revisions:
            for down in (False, True):
                said: list[tuple[str, str]] = []
                set_rewrite(lambda place, text, said=said: said.append((place, text)) or text)
                chain.offline(revision, down=down, accept_loss=False)
                for place, text in said:
                    found |= {one.name: one for one in _of_text(place, text)}
    return list(found.values())


def _of_text(place: str, text: str) -> Iterator[Mutant]:
    _, way = place.split()
    slices = edits.statements(text)
    for where in slices:
        statement = text[where]
        title = " ".join(statement.split())[:90]
        sort = f"{way} {edits.kind_of(statement)}"
        yield Mutant(place, f"{title}: left out", statement, "SELECT 1", f"{sort} left out")
        if not edits.is_repeatable(statement):
            yield Mutant(place, f"{title}: doubled", statement, f"{statement};\n{statement}", f"{sort} doubled")
        for what, edit in edits.edited(statement, edits.of_revision):
            yield Mutant(place, f"{title}: {what}", statement, edit(), f"{sort} {_sort_of(what)}")
    if way == "downgrade" and len(slices) > 1:
        backwards = ";\n".join(text[where] for where in reversed(slices))
        first = " ".join(text[slices[0]].split())[:90]
        yield Mutant(place, f"{first} and what follows: backwards", text, backwards, "downgrade backwards")


def _sort_of(change: str) -> str:
    told = _SORT.search(change)
    return told[0] if told else change


def run(chosen: Sequence[Mutant], record: Record) -> None:
    """Check the chain with each of them in it."""
    targets = {mutant.target.split()[0] for mutant in chosen}
    with _rewriting() as (chain, set_rewrite), tracing_server() as server, hosted_server() as hosted:
        trial = _Trial(chain, server, Platform(hosted, chain, targets), targets)
        for mutant in chosen:
            set_rewrite(_changing(mutant))
            record(mutant, trial.found_by(mutant.target.split()[0]))


def _changing(mutant: Mutant) -> Rewrite:
    return lambda place, text: text.replace(mutant.before, mutant.after) if place == mutant.target else text


class _Trial:
    """A server that has a database for each revision that is changed, as those before it made it.

    It knows what each revision of the unchanged chain leaves, too.
    """

    def __init__(self, chain: Chain, server: Any, platform: Platform, targets: Collection[str]) -> None:
        self._chain, self._server, self._platform = chain, server, platform
        self._sound: dict[str, State] = {}
        url = server.create_database("whole")
        COURSE.ready(url)
        for revision in chain.revisions:
            if revision.id in targets:
                server.create_database(f"below_{revision.id}", template="whole")
            chain.upgrade(url, revision)
            COURSE.put_sample_rows(url, revision.id)
            self._sound[revision.id] = read_state(url, COURSE)

    def found_by(self, target: str) -> str | None:
        """The first rule that finds fault with the chain; None where none does."""
        ids = [revision.id for revision in self._chain.revisions]
        rest = copy.copy(self._chain)
        vars(rest)["revisions"] = self._chain.revisions[ids.index(target) :]
        project = replace(
            COURSE,
            prepare="tests.mutation.chain:prepare",
            platform=None,  # tried at the end, and only if need be
            rules_off=COURSE.rules_off
            | {"breaks-release"},  # releases before the changed revision have said nothing here
        )
        run = _FirstFinding(rest, project, frozenset(ids))
        only = copy.copy(rest)
        vars(only)["revisions"] = rest.revisions[:1]
        try:
            check._texts(replace(run, chain=only))
            head = _ShortClimb(run, _From(self._server, f"below_{target}"), self._sound).head()
            if not self._platform.is_as_it_was(rest.revisions[0]):
                for blamed, rule, message, fragment in platform_rules.judge(self._chain, COURSE, head, {}):
                    run.found(blamed, rule, message, fragment)
        except _Found as found:
            return str(found)
        except Exception as error:  # noqa: BLE001 - loud enough, and a fault of check all the same
            return f"check fails: {type(error).__name__}"
        finally:
            self._clean()
        return None

    def _clean(self) -> None:
        with connect(self._server.cluster.url(), autocommit=True) as connection:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE datname IN ('models', 'ahead', %s) OR datname ~ '^copy_'",
                (_CHAIN,),
            ).fetchall()
            for (name,) in names:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class _ShortClimb(_Climb):
    """Ends where the database is what the unchanged chain makes of it: from there on nothing else can be found.

    Behind the changed revision it goes to the head at once, to see what the head is found fault with; only where that is
    nothing the revisions between are judged, one by one.
    """

    def __init__(self, run: Run, server: Any, sound: Mapping[str, State]) -> None:
        super().__init__(run, server)
        self._sound = sound
        self._head: Catalog | None = None

    def head(self) -> Catalog:
        """Find fault with the chain, or give what stands at its head."""
        with suppress(_AsItWas):
            self.go()
        return self._sound[self._run.chain.revisions[-1].id].catalog if self._head is None else self._head

    def _judge(self, revision: Revision, traced: Any, below: State) -> State:
        above = super()._judge(revision, traced, below)
        if _unlike(above, self._sound[revision.id]):
            if self._head is None:
                self._look_ahead()
            return above
        raise _AsItWas

    def _look_ahead(self) -> None:
        url = self._server.create_database("ahead", template=_CHAIN)
        for later in self._run.chain.revisions[1:]:
            try:
                self._run.chain.upgrade(url, later)
            except Exception as error:  # noqa: BLE001 - whatever a revision raises is the finding
                self._run.found(later, "round-trip", str(error))
            self._project.put_sample_rows(url, later.id)
        state, head = self._state(url), self._run.chain.revisions[-1]
        self._head = state.catalog
        self._judge_head(url, self._head)
        # Last, so that the measure tells what is found without it.
        self._run.found_all(head, structure.judge(self._run.chain.folder, head.id, state.dumped, self._project))
        for name in ("ahead", "models"):
            self._drop(self._server.cluster.url(name))


def _unlike(one: State, other: State) -> list[str]:
    """What differs; of rows, without the values that are others in each run."""
    fields = ("dumped", "sequences", "settings")
    found = [name for name in fields if getattr(one, name) != getattr(other, name)]
    if _attributes(one) != _attributes(other):
        found.append("catalog")
    if _lasting(one.rows) != _lasting(other.rows):
        found.append("rows")
    return found


def _attributes(state: State) -> dict[Key, Mapping[str, str | None]]:
    return {key: item.attributes for key, item in state.catalog.items()}


def _lasting(rows: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {table: sorted(_OF_THE_RUN.sub("*", line) for line in lines) for table, lines in rows.items()}


class _From:
    """The server, whose database of the chain begins as a copy of another."""

    def __init__(self, server: Any, template: str) -> None:
        self._template = template
        self.cluster, self.tracer, self._create = server.cluster, server.tracer, server.create_database

    def create_database(self, name: str, *, template: str | None = None) -> str:
        return self._create(name, template=self._template if name == _CHAIN else template)


def prepare(url: str) -> None:
    """Make a scratch database ready, but for the one that is a copy of what was made ready."""
    if parse(url)["dbname"] != _CHAIN:
        COURSE.ready(url)


class _AsItWas(BaseException):
    """Ends a check where the unchanged chain goes on from."""


class _Found(BaseException):
    """Ends a check at its first finding, past every `except Exception` in it."""


class _FirstFinding(Run):
    def found(self, revision: Revision, rule: str, message: str, *fragments: str | int) -> None:
        super().found(revision, rule, message, *fragments)
        if self.findings:
            raise _Found(rule)


@contextmanager
def _rewriting() -> Iterator[tuple[Chain, Callable[[Rewrite], None]]]:
    """Open the course's chain so that what its revisions execute can be rewritten."""
    rewrites: list[Rewrite] = [lambda _, text: text]
    with opened(migrations.script_location()) as chain:
        import revision_tools

        execute = revision_tools.execute
        # Before the revisions are loaded, which import it by name.
        revision_tools.execute = lambda text: execute(rewrites[-1](_place(sys._getframe(1)), text))
        yield chain, rewrites.append


def _place(frame: FrameType | None) -> str:
    while frame is not None:
        if frame.f_code.co_name in ("upgrade", "downgrade") and "down_revision" in frame.f_globals:
            return f"{frame.f_globals['revision']} {frame.f_code.co_name}"
        frame = frame.f_back
    raise AssertionError("no revision is running")
