"""Runs a command on a live database: one deployer at a time, bounded waits, and a clear word about where it stands."""

import random
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from alembic.runtime.environment import EnvironmentContext
from alembic.util import CommandError
from sqlalchemy import create_engine, pool
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from tripwire_db.postgres.errors import without_rows
from tripwire_db.schema.project import Project
from tripwire_db.schema.runner.connect import connect, settle
from tripwire_db.schema.runner.deployer import Deployer
from tripwire_db.schema.runner.errors import MigrationError, describe, driver_error, shorten
from tripwire_db.schema.runner.history import History
from tripwire_db.schema.runner.interrupts import Interrupted, Interrupts
from tripwire_db.schema.runner.limits import Limits, spell
from tripwire_db.schema.runner.locks import SESSION, wait_until_free
from tripwire_db.schema.runner.losses import refuse_losses
from tripwire_db.schema.runner.neighbours import open_schema_warning, open_schemas, refuse_strangers
from tripwire_db.schema.runner.reload import Reload
from tripwire_db.schema.runner.report import Report
from tripwire_db.schema.runner.session_state import SessionState
from tripwire_db.schema.runner.stamping import stamp_of
from tripwire_db.schema.runner.steps import Outcome, Steps, Tracer, Tries, at, hooks, spell_heads
from tripwire_db.schema.runner.target import Target
from tripwire_db.schema.runner.transactions import Transactions, driver
from tripwire_db.schema.runner.version_table import VersionTable
from tripwire_db.schema.runner.watcher import Watcher

_RETRIED = {"55P03": "lock timeout", "40P01": "deadlock"}
_LOST = "connection lost"
_TERMINATED = "57P01"
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_SETTLE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Command:
    """One of Alembic's commands, and the database it is for."""

    name: str
    environment: EnvironmentContext
    settings: Limits
    project: Project
    options: dict[str, Any]
    target: Target
    accept_loss: bool = False

    @property
    def version_table(self) -> VersionTable:
        """Where Alembic keeps the revision that the database is at."""
        return VersionTable.of(self.project)


def read(command: Command, *, search_path: str | None = None) -> None:
    """Run a command that only looks (current, show, history, check): no lock, and nothing is created.

    Args:
        command: To run.
        search_path: A statement that sets it, for those who compare names.

    Raises:
        MigrationError: It failed.
    """
    try:
        with connect(command.target, command.name) as raw:
            if search_path:
                raw.execute(search_path.encode())
            with _sqlalchemy(command.target, raw) as connection:
                if (
                    path := command.project.search_path
                ):  # all of it is one transaction; a pooler's session keeps its own
                    connection.exec_driver_sql(f"SET LOCAL search_path = {path}")
                command.environment.configure(connection=connection, dont_mutate=True, **command.options)
                command.environment.run_migrations()
    except (SQLAlchemyError, psycopg.Error) as error:
        raise MigrationError(command.target.mask(f"{command.name} failed: {describe(error)}")) from without_rows(error)


def write(command: Command) -> None:
    """Run a command that changes the database (upgrade, downgrade, stamp).

    Raises:
        MigrationError: It failed; finished revisions stay, the one at work is rolled back.
        SystemExit: It was interrupted, under the `alembic` command; 128 + the signal's number.
        KeyboardInterrupt: It was interrupted, under Python.
    """
    attributes = command.environment.config.attributes
    quiet = bool(attributes.get("quiet") or getattr(command.environment.config.cmd_opts, "quiet", False))
    report = Report(command.target, quiet=quiet, reworded=command.project.reworded)
    run = _Run(command, report)
    try:
        with Interrupts() as interrupts:
            try:
                attributes["outcome"] = run.do()
            except (Exception, Interrupted) as error:  # noqa: BLE001 - each becomes a MigrationError
                if interrupts.seen is not None:
                    said = command.target.mask(f"Interrupted ({interrupts.seen}). {run.where_it_stands()}")
                    report.close()
                    report.line(said)
                    if hasattr(command.environment.config.cmd_opts, "cmd"):  # under the `alembic` command
                        raise SystemExit(128 + interrupts.seen.number) from None
                    raise interrupts.seen.told(said) from None
                rule = getattr(error, "rule", None)
                raise MigrationError(command.target.mask(run.explain(error)), rule=rule) from without_rows(error)
    finally:
        report.close()


class _Run:
    """One run of a command; keeps what must be told when it ends badly."""

    def __init__(self, command: Command, report: Report) -> None:
        self._command = command
        self._report = report
        self._steps = Steps(command.environment.context_opts["fn"], ())
        self._reload = Reload(wanted=command.project.notifies_postgrest)
        self._transactions: Transactions | None = None
        self._watcher = Watcher(lock_timeout=command.settings.lock_timeout, say=lambda text: report.line(f"    {text}"))
        self._begun = False
        self._tracer: Tracer | None = command.environment.config.attributes.get("tracer")

    def do(self) -> Outcome:
        """Take the locks, migrate, look whether the version table says so."""
        command, report = self._command, self._report
        start = time.monotonic()
        with Deployer(command.target, command.name, command.project, command.settings, say=report.line) as deployer:
            self._look_around(deployer.lock)
            deployer.open_migrating()
            command.version_table.make_schema(deployer.lock)
            history = History.find(deployer.lock, command.environment, command.project)
            self._begun = True
            resolve = command.environment.context_opts["fn"]
            if command.name == "stamp":
                resolve = stamp_of(command.environment, command.version_table.read(deployer.lock))
            self._steps = Steps(resolve, (self._watcher, report))
            if command.name == "downgrade" and not command.accept_loss:
                self._steps.approve = lambda steps: refuse_losses(deployer.lock, steps)
            self._migrate(deployer, history)
            after = self._verify(deployer.lock)
            report.close()
            outcome = Outcome(
                before=at(self._steps.before),
                after=at(after),
                revisions=tuple(self._steps.finished),
                seconds=time.monotonic() - start,
                waited=deployer.waited,
                notified=self._reload.notified,
            )
            self._tell(outcome)
        return outcome

    def explain(self, error: BaseException) -> str:
        """Say what failed and where the database stands."""
        if not self._begun:
            return str(error) if isinstance(error, CommandError) else describe(error)
        what = describe(error, self._command.project.advice)
        if "Can't locate revision" in what:
            what += (
                " The database is at a revision that this version of the project does not have: install a newer one."
            )
        if "overlaps with other requested revisions" in what:
            what += (
                " The version table holds several revisions of one line: write the right one by alembic stamp --purge."
            )
        failed = f"{self._steps.name} failed: " if self._steps.current is not None else ""
        return f"{failed}{what}{'' if what.endswith(('.', ']')) else '.'} {self.where_it_stands()}"

    def where_it_stands(self) -> str:
        """Ask the database which revision it is at, once nothing of ours is running any more."""
        if not self._begun:
            return "Nothing was changed."
        command = self._command
        try:
            with connect(command.target, command.name) as look:
                self._settle(look)
                settled = wait_until_free(look, SESSION, seconds=_SETTLE_SECONDS)
                heads = command.version_table.read(look)
                ended_early = self._ended_early(look) and heads == self._steps.expected
        except (MigrationError, psycopg.Error) as error:
            return f"Where the database stands could not be asked ({describe(error)}); alembic current says it."
        done, total = len(self._steps.finished), self._steps.total
        told = f"The database is at {spell_heads(heads)}"
        if done and done < total:
            told += f"; {done} of {total} revisions were finished and stay"
        if ended_early:
            return (
                f"{told}; but {self._steps.name} ended its transaction itself, and what it had done before that is "
                "committed. Take that back by hand, mend the revision, and run it again."
            )
        if not settled:
            return f"{told}. The server still works on the last statement; the next run waits for it."
        if self._transactions is not None and self._transactions.concurrent and self._steps.current is not None:
            return f"{told}. An index may be half built (INVALID); running it again begins by dropping it."
        if heads == self._steps.before:
            return f"{told}, as before; nothing was changed."
        return f"{told}, nothing half done; running it again goes on from there."

    def _ended_early(self, look: psycopg.Connection[Any]) -> bool:
        """Whether the revision at work has committed a part of itself."""
        if self._transactions is None or self._steps.current is None:
            return False
        return self._transactions.ended_early(look)

    def _settle(self, connection: psycopg.Connection[Any]) -> None:
        settle(connection, self._command.project.search_path)

    def _look_around(self, lock: psycopg.Connection[Any]) -> None:
        """Refuse what strangers have made where we are about to build; warn where they might."""
        project = self._command.project
        if self._command.name == "upgrade":
            refuse_strangers(lock, project)
            for schema in open_schemas(lock, project):
                self._report.line(f"  WARNING: {open_schema_warning(schema)}")

    def _migrate(self, deployer: Deployer, history: History) -> None:
        """Run the revisions; where the connection is lost, by a new one, after those that are finished."""
        transactions = Transactions(self._command.settings)
        self._transactions = transactions
        self._steps.prepare = self._prepare_step
        tries = Tries()
        while not self._run(deployer, history, transactions, tries):
            while True:
                try:
                    deployer.open_again()
                except MigrationError as error:  # the server may be starting again
                    self._pause(tries, _LOST, error)
                else:
                    break
            at_it = self._command.version_table.read(deployer.migrating) == self._steps.expected
            if at_it and self._ended_early(deployer.migrating):
                raise MigrationError(f"{_LOST}.")

    def _run(self, deployer: Deployer, history: History, transactions: Transactions, tries: Tries) -> bool:
        """Run the revisions by one connection; False where it was lost.

        A revision that meets a lock timeout or a deadlock is tried again, after those before it.
        """
        environment, options, steps = self._command.environment, self._command.options, self._steps
        raw = deployer.migrating
        self._prepare(raw)
        watch = self._watcher.over(deployer.lock, raw.info.backend_pid)
        with watch, _sqlalchemy(self._command.target, raw) as connection:
            environment.configure(
                connection=connection, fn=steps, **options | hooks(options, self._reload, history, steps.applied)
            )
            # After configure(): a connection already in a transaction would silently defeat transaction_per_migration.
            transactions.listen(connection)
            steps.settle = SessionState(driver(connection)).settle
            if self._tracer is not None:
                self._tracer.follow(connection)
            while True:
                transactions.begin_try()
                try:
                    with environment.begin_transaction():
                        environment.run_migrations()
                except (SQLAlchemyError, psycopg.Error) as error:
                    kind = self._kind(error, raw)
                    if kind is None:
                        raise
                    if transactions.patient and kind == _RETRIED["55P03"]:  # it has waited for as long as it may
                        raise MigrationError(self._gave_up(kind, 1, error)) from without_rows(error)
                    self._pause(tries, kind, error)
                    if kind == _LOST:
                        return False
                else:
                    break
            if not steps.finished:  # the account may be wrong though Alembic has nothing to do
                if not connection.in_transaction():
                    connection.begin()
                history.keep(driver(connection), steps.expected)
                connection.commit()
        return True

    def _kind(self, error: Exception, raw: psycopg.Connection[Any]) -> str | None:
        """What has happened, where the revision may be tried again."""
        state = _sqlstate(error)
        if not raw.closed:
            kind = _RETRIED.get(state)
            if kind is None or self._ended_early(raw):
                return None
            raw.rollback()
            return kind
        work = self._transactions
        if work is not None and work.at_work and (work.concurrent or state == _TERMINATED):
            return None  # outside of a transaction it may have happened, by half too; or somebody has put an end to it
        return _LOST

    def _prepare(self, migrating: psycopg.Connection[Any]) -> None:
        """Have the server notice when this process is gone, and show what it says."""
        try:
            migrating.execute("SET client_connection_check_interval = '1s'")
        except psycopg.errors.InvalidParameterValue:
            # Not on every platform; the session's lock alone then keeps the next deployer waiting.
            self._report.line("  The server cannot notice a client that is gone; a killed run may go on for a while.")
        migrating.add_notice_handler(self._report.notice)

    def _prepare_step(self, step: Any, name: str) -> None:
        if self._transactions is not None:
            self._transactions.wrap(step, name)
        if self._tracer is not None:
            self._tracer.wrap(step)

    def _pause(self, tries: Tries, kind: str, error: Exception) -> None:
        """Wait before the next try, which lets the traffic through that had queued up behind us.

        Raises:
            MigrationError: That was the last one.
        """
        steps, most = self._steps, self._command.settings.lock_attempts
        attempt = tries.failed(steps.current)
        if attempt >= most:
            raise MigrationError(self._gave_up(kind, attempt, error)) from without_rows(error)
        pause = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311
        name = f"{steps.name}: " if steps.current is not None else ""
        concurrent = self._transactions is not None and self._transactions.concurrent and steps.current is not None
        undone = "the next attempt drops an index that is half built" if concurrent else "rolled back"
        self._report.line(f"  {name}{self._told(kind)}; {undone}. Attempt {attempt + 1} of {most} in {pause:.1f} s.")
        time.sleep(pause)

    def _told(self, kind: str) -> str:
        """Name what happened; who was in the way has been told when it was seen."""
        if kind == _LOST:
            return kind
        settings = self._command.settings
        patient = self._transactions is not None and self._transactions.patient
        limit = settings.concurrent_wait if patient else settings.lock_timeout
        timeout = f" after {spell(limit)}" if kind == "lock timeout" else ""
        return f"{kind}{timeout}{'' if self._watcher.last else ' (who was in the way was gone too soon to be seen)'}"

    def _gave_up(self, kind: str, attempts: int, error: Exception) -> str:
        parts = [f"{self._told(kind)}{f', {attempts} times' if attempts > 1 else ''}."]
        if kind == _LOST:
            parts.append(f"{describe(error).rstrip('.')}.")
        elif self._watcher.last is not None:
            parts.append(f"It waited for {self._watcher.last}.")
        statement = getattr(error, "statement", None)
        if statement:
            parts.append(f"The statement: {shorten(statement, 120)}.")
        return " ".join(parts)

    def _verify(self, lock: psycopg.Connection[Any]) -> frozenset[str]:
        """Look, from another connection, whether the version table says what it should."""
        if lock.closed:  # somebody ended it; the session's lock kept others away all the same
            with connect(self._command.target, self._command.name) as look:
                self._settle(look)
                found = self._command.version_table.read(look)
        else:
            found = self._command.version_table.read(lock)
        if found != self._steps.expected:
            raise MigrationError(
                f"The version table says {spell_heads(found)}, and should say {spell_heads(self._steps.expected)}: "
                "somebody else has changed it."
            )
        return found

    def _tell(self, outcome: Outcome) -> None:
        heads = self._command.environment.script.get_heads()
        head = " (head)" if [outcome.after] == heads else ""
        where = f"{outcome.after or 'base (no revision)'}{head}"
        if self._watcher.failure is not None:
            self._report.line(f"  The watch for blockers ended early: {describe(self._watcher.failure)}")
        if outcome.notified:
            self._report.line(
                "  No event trigger tells PostgREST about the new schema, so this run did (NOTIFY pgrst)."
            )
        if not outcome.revisions:
            self._report.line(f"Nothing to do: the database is at {where}.")
            return
        waited = f", {outcome.waited:.1f} s of it waiting for another deployer" if outcome.waited >= 0.1 else ""
        count = len(outcome.revisions)
        self._report.line(
            f"Done: {count} {'revision' if count == 1 else 'revisions'} in {outcome.seconds:.2f} s{waited}; "
            f"the version table says {where}."
        )


def _sqlstate(error: BaseException) -> str:
    inner = driver_error(error)
    return (inner.sqlstate if inner else None) or ""


def _sqlalchemy(target: Target, raw: psycopg.Connection[Any]) -> Connection:
    """Hand our connection to SQLAlchemy, in no transaction."""
    raw.autocommit = False
    engine = create_engine(
        target.url(),
        poolclass=pool.NullPool,
        creator=lambda: raw,
        use_native_hstore=False,
        pool_reset_on_return=None,  # it is closed, which undoes the same, and says nothing where it was lost
    )
    return engine.connect()
