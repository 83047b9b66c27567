"""Each statement of each revision is left out, doubled or altered, and `check` is run on the chain.

A run of check takes a minute, so two things are cut short: it begins with the revision that is changed, on a copy of
what those before it made, and it ends at its first finding. A survivor has gone up to head.
"""

import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

from psycopg import sql

from tests.mutation import edits
from tests.mutation.mutants import Mutant, Record
from tripwire_db import migrations
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.url import parse
from tripwire_db.schema import check
from tripwire_db.schema.check.chain import Chain, Revision, opened
from tripwire_db.schema.check.climb import _CHAIN, _Climb
from tripwire_db.schema.check.run import Run
from tripwire_db.schema.project import COURSE
from tripwire_db.schema.tracing import tracing_server

Rewrite = Callable[[str, str], str]
"""Takes `<revision> upgrade` or `<revision> downgrade` and the SQL that it is about to run; gives what runs instead."""

UNCHANGED = Mutant("nothing", "unchanged", "", "")


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
    slices = edits.statements(text)
    for where in slices:
        statement = text[where]
        title = " ".join(statement.split())[:90]
        yield Mutant(place, f"{title}: left out", statement, "SELECT 1")
        if not edits.is_repeatable(statement):
            yield Mutant(place, f"{title}: doubled", statement, f"{statement};\n{statement}")
        for what, edit in edits.edited(statement, edits.of_revision):
            yield Mutant(place, f"{title}: {what}", statement, edit())
    if place.endswith("downgrade") and len(slices) > 1:
        backwards = ";\n".join(text[where] for where in reversed(slices))
        yield Mutant(place, f"{' '.join(text[slices[0]].split())[:90]} and what follows: backwards", text, backwards)


def run(chosen: Sequence[Mutant], record: Record) -> None:
    """Check the chain with each of them in it."""
    with _rewriting() as (chain, set_rewrite), tracing_server() as server:
        trial = _Trial(chain, server, [mutant.target.split()[0] for mutant in chosen])
        for mutant in chosen:
            set_rewrite(_changing(mutant))
            record(mutant, trial.found_by(mutant.target.split()[0]))


def _changing(mutant: Mutant) -> Rewrite:
    return lambda place, text: text.replace(mutant.before, mutant.after) if place == mutant.target else text


class _Trial:
    """A server that has a database for each revision that is changed, as those before it made it."""

    def __init__(self, chain: Chain, server: Any, targets: Sequence[str]) -> None:
        self._chain, self._server = chain, server
        url = server.create_database("whole")
        COURSE.ready(url)
        for revision in chain.revisions:
            if revision.id in targets:
                server.create_database(f"below_{revision.id}", template="whole")
            chain.upgrade(url, revision)
            if fill := COURSE.sample_rows.get(revision.id):
                with connect(url) as connection:
                    COURSE.call(fill, connection)

    def found_by(self, target: str) -> str | None:
        """The first rule that finds fault with the chain; None where none does."""
        ids = [revision.id for revision in self._chain.revisions]
        rest = copy.copy(self._chain)
        vars(rest)["revisions"] = self._chain.revisions[ids.index(target) :]
        project = replace(COURSE, prepare="tests.mutation.chain:prepare")
        run = _FirstFinding(rest, project, frozenset(ids))
        try:
            check._texts(run)
            _Climb(run, _From(self._server, f"below_{target}")).go()
        except _Found as found:
            return str(found)
        finally:
            self._clean()
        return None

    def _clean(self) -> None:
        with connect(self._server.cluster.url(), autocommit=True) as connection:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE datname = 'models' OR datname = %s OR datname ~ '^copy_'",
                (_CHAIN,),
            ).fetchall()
            for (name,) in names:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


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
