"""Goes up a chain on a scratch server, revision by revision; at each one, down and up again on a copy."""

import itertools

from psycopg import sql

from tripwire_db.postgres.catalog import Catalog
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.url import parse
from tripwire_db.schema.check import (
    access_rules,
    catalog_rules,
    function_rules,
    platform_rules,
    server_rules,
    statement_rules,
    structure,
    traced_rules,
)
from tripwire_db.schema.check.api import api_notes
from tripwire_db.schema.check.chain import Revision
from tripwire_db.schema.check.dump import difference
from tripwire_db.schema.check.findings import Note
from tripwire_db.schema.check.losses import Trial, counts, judge_losses
from tripwire_db.schema.check.models import disagreements
from tripwire_db.schema.check.release_rules import ReleaseWatch
from tripwire_db.schema.check.run import Run, cut_short, failed_statement, one_line
from tripwire_db.schema.check.state import State, dump_of, read_state
from tripwire_db.schema.tracing import TracedRevision, TracingServer, tracing_server

_CHAIN = "chain"
_GAP = 1000
"""Numbers that a sequence may leave out: nextval is not taken back."""

# What CREATE DATABASE … TEMPLATE leaves behind. Catalogs may be written by a superuser, which the scratch server's is.
_COPY_SETTINGS = """
INSERT INTO pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig)
SELECT (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = %(copy)s), s.setrole, s.setconfig
FROM pg_catalog.pg_db_role_setting AS s
WHERE s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = %(original)s)
"""


def climb(run: Run) -> None:
    """Try every revision; one that cannot be applied ends it."""
    with tracing_server() as server:
        _Climb(run, server).go()


class _Climb:
    def __init__(self, run: Run, server: TracingServer) -> None:
        self._run = run
        self._server = server
        self._url = server.create_database(_CHAIN)
        self._numbers = itertools.count()
        self._project = run.project
        self._releases = ReleaseWatch(run, self._copy, self._drop)

    def go(self) -> None:
        run, project = self._run, self._project
        project.ready(self._url)
        below = self._state(self._url)
        made_by: dict[str, Revision] = {}
        for revision in run.chain.revisions:
            try:
                traced = self._up(revision)
            except Exception as error:  # noqa: BLE001 - whatever a revision raises is the finding
                rule = getattr(error, "rule", None) or "round-trip"
                run.found(revision, rule, f"the upgrade fails: {one_line(error)}", *_places(revision, error))
                return
            above = self._judge(revision, traced, below)
            made_by.update({key.name: revision for key in {*above.catalog} - {*below.catalog} if key.kind != "grant"})
            below = above
        for blamed, rule, message, fragment in platform_rules.judge(run.chain, project, below.catalog, made_by):
            run.found(blamed, rule, message, fragment)
        self._judge_head(self._url, below.catalog)

    def _judge_head(self, url: str, catalog: Catalog) -> None:
        """Hold what the whole chain made to the models, and call its functions."""
        run, project = self._run, self._project
        head = run.chain.revisions[-1]
        if project.metadata is not None and run.asks("models"):
            from_models = self._server.create_database("models")
            project.ready(from_models)
            for key, message in disagreements(from_models, catalog, project):
                run.found(head, "models", message, key.name.rpartition(".")[2])
        with connect(url) as connection:
            connection.read_only = True
            for signature, said in project.failing_functions(connection):
                run.found(head, "function-fails", f"{signature} fails: {said}", signature.partition("(")[0])

    def _up(self, revision: Revision) -> TracedRevision:
        with self._server.tracer(self._url) as tracer:
            self._run.chain.upgrade(self._url, revision, tracer=tracer)
        return tracer.revisions[-1]

    def _down(self, url: str, revision: Revision) -> None:
        """Take a revision back, and hold what it does to others to the rules of the way up: somebody waits here, too."""
        with self._server.tracer(url) as tracer:
            self._run.chain.downgrade(url, revision, tracer=tracer)
        if revision.id != self._project.baseline:
            traced = tracer.revisions[-1]
            self._run.found_all(revision, statement_rules.judge(traced), in_downgrade=True)
            self._run.found_all(revision, traced_rules.judge(traced), in_downgrade=True)

    def _judge(self, revision: Revision, traced: TracedRevision, below: State) -> State:
        """Hold one revision, which has just been applied, to all rules; put the sample rows there that belong to it."""
        run, project = self._run, self._project
        above = self._state(self._url)
        is_baseline = revision.id == project.baseline
        if not is_baseline:
            run.found_all(revision, statement_rules.judge(traced))
            run.found_all(revision, traced_rules.judge(traced))
            run.found_all(revision, catalog_rules.judge(revision, below.catalog, above.catalog, project))
            run.found_all(revision, access_rules.judge(below.catalog, above.catalog, project))
            run.found_all(revision, server_rules.judge(below, above, project))
            run.found_all(revision, function_rules.judge(below.catalog, above.catalog, project))
        run.found_all(revision, structure.judge(run.chain.folder, revision.id, above.dumped, project))
        counted = counts(revision, self._url)
        if run.asks("round-trip"):
            self._round_trip(revision, below, above, is_lossy=sum(counted.values()) > 0)
            if not is_baseline:
                told = catalog_rules.judge_downgrade(revision, above.catalog, below.catalog, project)
                run.found_all(revision, told)
        if not is_baseline and revision.id in run.judged:
            access = catalog_rules.access_notes(below.catalog, above.catalog)
            api = api_notes(below.catalog, above.catalog, project)
            run.notes += [Note(revision.id, "access", text) for text in access]
            run.notes += [Note(revision.id, "api", text) for text in api]
        self._releases.judge(revision)
        filled = project.put_sample_rows(self._url, revision.id)
        self._releases.settle(revision, filled=filled)
        if revision.declares_losses and run.asks("losses") and run.asks("round-trip"):
            trial = Trial(run.chain, revision, self._url, self._copy, self._drop, below, above, counted)
            run.found_all(revision, judge_losses(trial, project))
        return self._state(self._url) if filled else above

    def _round_trip(self, revision: Revision, below: State, above: State, *, is_lossy: bool) -> None:
        """Go down and up again on a copy."""
        run, project, url = self._run, self._project, self._copy()
        step = "the downgrade"
        try:
            self._down(url, revision)
            back = self._state(url)
            if left := difference(below.dumped, self._without_version_schema(back.dumped, below.dumped)):
                message = f"the downgrade leaves something else than was there:\n{cut_short(left)}"
                run.found(revision, "round-trip", message, "def downgrade")
            for message in self._changes(below, back, is_lossy=is_lossy):
                run.found(revision, "round-trip", message, "def downgrade")
            if left:
                return  # what is there still cannot be made again
            step = "a second upgrade"
            run.chain.upgrade(url, revision)
            if changed := difference(above.dumped, dump_of(url, project)):
                message = f"a second upgrade makes something else than the first:\n{cut_short(changed)}"
                run.found(revision, "round-trip", message, "def upgrade")
        except Exception as error:  # noqa: BLE001 - whatever a revision raises is the finding
            rule = getattr(error, "rule", None) or "round-trip"
            begins = "def downgrade" if step == "the downgrade" else "def upgrade"
            run.found(revision, rule, f"{step} fails: {one_line(error)}", *_places(revision, error), begins)
        finally:
            self._drop(url)

    def _changes(self, below: State, back: State, *, is_lossy: bool) -> list[str]:
        """What is not as it was before the upgrade, beside the catalog."""
        found = []
        if left := {name for name, may in back.roles.items() if below.roles.get(name) != may}:
            found.append(f"the downgrade leaves other roles than were there: {', '.join(sorted(left))}")
        if below.settings != back.settings:
            names = ", ".join(sorted(below.settings ^ back.settings))
            found.append(f"the downgrade leaves other settings of roles or of the database than were there: {names}")
        found += [
            f"up and down again changes rows of {table}: keep them, or declare the loss (LOSSES)"
            for table, before in sorted(below.rows.items())
            if not is_lossy and back.rows.get(table) != before
        ]
        for name, before in sorted(below.sequences.items()):
            now = back.sequences.get(name, before)
            if now < before or now > before + _GAP:
                found.append(f"up and down again moves the sequence {name} from {before} to {now}: it must stay")
        return found

    def _state(self, url: str) -> State:
        return read_state(url, self._project)

    def _without_version_schema(self, dumped: str, below: str) -> str:
        """Below the first revision there is no schema for the version table; afterwards an empty one may stay."""
        schema = self._project.version_table_schema
        if schema is None or f"CREATE SCHEMA {schema};" in below:
            return dumped
        kept = [part for part in dumped.split("\n--\n-- Name: ") if not part.startswith(f"{schema}; Type: SCHEMA")]
        return "\n--\n-- Name: ".join(kept)

    def _copy(self) -> str:
        """Copy the database as it is now, its settings and grants included; give the URL."""
        name = f"copy_{next(self._numbers)}"
        url = self._server.create_database(name, template=_CHAIN)
        with connect(url, autocommit=True) as connection:
            connection.execute(_COPY_SETTINGS, {"copy": name, "original": _CHAIN})
        return url

    def _drop(self, url: str) -> None:
        name = parse(url)["dbname"]
        with connect(self._server.cluster.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))


def _places(revision: Revision, error: BaseException) -> tuple[str | int, ...]:
    """A line of the SQL that failed, if the error has it; else the line of Python that ran it."""
    line = next(iter(failed_statement(error).strip().splitlines()), "")
    number = revision.line_of(error)
    return (*((line,) if line else ()), *((number,) if number else ()))
