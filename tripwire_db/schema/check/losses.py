"""Tries the losses that a revision declares: counted right, refused unless they are accepted, and lost alone."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from tripwire_db.embedded import find_program
from tripwire_db.postgres.catalog import Key
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.check.chain import Chain, Revision
from tripwire_db.schema.check.rows import rows
from tripwire_db.schema.check.run import Told, cut_short, one_line
from tripwire_db.schema.check.state import State
from tripwire_db.schema.project import Project

RULES = {"losses": "A declared loss is counted right, refused unless it is accepted, and nothing else is lost with it."}

# One value of each type, to be put into a column that the downgrade drops; unlike what a migration would put there.
_VALUES = {
    "text": "'tripwire'",
    "character varying": "'tripwire'",
    "smallint": "7",
    "integer": "7",
    "bigint": "7",
    "numeric": "7",
    "boolean": "true",
    "uuid": "'00000000-0000-4000-8000-00000000beef'",
    "date": "'2001-02-03'",
    "timestamp with time zone": "'2001-02-03'",
    "timestamp without time zone": "'2001-02-03'",
    "jsonb": """'{"tripwire": 1}'""",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What there is to try with.

    Attributes:
        chain: whose revision it is.
        revision: that declares losses.
        url: a database at the revision, with rows.
        copy: copies it, and gives the copy's URL.
        drop: drops a copy.
        below: the database before the revision.
        above: right after it, before any rows were put into it.
        counted: the losses that were counted then.
    """

    chain: Chain
    revision: Revision
    url: str
    copy: Callable[[], str]
    drop: Callable[[str], None]
    below: State
    above: State
    counted: Mapping[str, int]


def counts(revision: Revision, url: str) -> dict[str, int]:
    """How many rows each declared loss counts; those that cannot be counted are left out, and found elsewhere."""
    found = {}
    with connect(url, autocommit=True) as connection:
        for loss in revision.losses:
            try:
                row = connection.execute(f"SELECT count(*) {loss.rows}").fetchone()
            except (AttributeError, psycopg.Error):
                continue
            found[loss.what] = int(row[0]) if row else 0
    return found


def judge_losses(trial: Trial, project: Project) -> Iterator[Told]:
    """Try them with the rows that are there, with those that the project knows to be lost, and with some of our own."""
    if malformed := tuple(_malformed(trial)):
        yield from malformed
        return
    yield from _dropped_rows(trial, project.version_table)
    yield from _dropped_values(trial)
    copy = trial.copy()
    try:
        try:
            _put_lost_rows(trial, project, copy)
        except psycopg.Error as error:
            said = error.diag.message_primary or type(error).__name__
            message = f"rows that LOSSES counts cannot be put in, though the layout should take them: {said}"
            yield "losses", message, "def upgrade"
            return
        lost = {what: n for what, n in counts(trial.revision, copy).items() if n}
        if lost:
            refused = tuple(_refused(trial, copy, lost))
            yield from refused
            if not refused:
                yield from _accepted(trial, copy, sum(lost.values()), project.version_table)
    finally:
        trial.drop(copy)


def _malformed(trial: Trial) -> Iterator[Told]:
    countable = counts(trial.revision, trial.url)
    for loss in trial.revision.losses:
        what, source = getattr(loss, "what", None), getattr(loss, "rows", None)
        if not what or not source:
            yield (
                "losses",
                "LOSSES: each has `what`, read after a count, and `rows`, which follows SELECT count(*)",
                "LOSSES",
            )
        elif what not in countable:
            yield "losses", f"the loss of {what} cannot be counted: SELECT count(*) {source} fails", str(source)


def _dropped_rows(trial: Trial, version_table: str) -> Iterator[Told]:
    """Rows of tables that the downgrade drops, beyond those that the upgrade made."""
    now = counts(trial.revision, trial.url)
    with connect(trial.url) as connection:
        there = rows(connection, None, without=version_table)
    for key in sorted({*trial.above.catalog} - {*trial.below.catalog}, key=str):
        name = key.name.removeprefix("public.")
        if key.kind != "table" or name not in there:
            continue
        added = (Counter(there[name]) - Counter(trial.above.rows.get(name, []))).total()
        bare = re.compile(rf"\b{re.escape(name.rpartition('.')[2])}\b")
        told = sum(
            now[loss.what] - trial.counted.get(loss.what, 0) for loss in trial.revision.losses if bare.search(loss.rows)
        )
        if added != told:
            message = f"{added} rows of {key.name} would be lost, and LOSSES counts {told}"
            yield "losses", message, (f"FROM {key.name}", name)


def _dropped_values(trial: Trial) -> Iterator[Told]:
    """Values of columns that the downgrade drops: one is put there, and must be counted."""
    above, below = trial.above.catalog, trial.below.catalog
    for key in sorted({*above} - {*below}, key=str):
        table, _, column = key.name.rpartition(".")
        on = Key("table", table)
        if key.kind != "column" or on not in below or "table" not in (above[on].attributes["kind"] or ""):
            continue
        value = _VALUES.get((above[key].attributes["type"] or "").partition("(")[0])
        if value is not None and _is_uncounted(trial, table, column, value):
            message = f"a value in {key.name} would be lost, and LOSSES does not count it"
            yield "losses", message, (f"FROM {table}", column)


def _is_uncounted(trial: Trial, table: str, column: str, value: str) -> bool:
    change = sql.SQL(
        "UPDATE {table} SET {column} = {value} WHERE ctid = "
        "(SELECT min(ctid) FROM {table} WHERE {column} IS DISTINCT FROM {value})"
    ).format(table=sql.Identifier(*table.split(".")), column=sql.Identifier(column), value=sql.SQL(value))
    sources = [loss.rows for loss in trial.revision.losses]
    with connect(trial.url) as connection:
        try:
            connection.execute("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
            before = _counted(connection, sources)
            if connection.execute(change).rowcount != 1:
                return False
            return _counted(connection, sources) == before
        except (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError):
            return False  # the layout does not take such a value
        finally:
            connection.rollback()


def _counted(connection: psycopg.Connection[object], sources: list[str]) -> list[object]:
    return [connection.execute(f"SELECT count(*) {source}".encode()).fetchone() for source in sources]


def _put_lost_rows(trial: Trial, project: Project, url: str) -> None:
    known: Mapping[tuple[str, str], str] = project.rows_to_lose()
    with connect(url) as connection:
        for loss in trial.revision.losses:
            if statements := known.get((trial.revision.id, loss.what)):
                connection.execute(statements.encode())


def _refused(trial: Trial, url: str, lost: Mapping[str, int]) -> Iterator[Told]:
    """Run the SQL that a DBA would: the runner counts before an upgrade of its own, and nobody does before this."""
    text = trial.chain.offline(trial.revision, down=True, accept_loss=False)
    command = [str(find_program("psql")), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-", url]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=120)
    told = "; ".join(f"{n} {what}" for what, n in lost.items())
    if done.returncode == 0:
        message = f"the downgrade loses {told}, and its SQL (--sql) does not refuse: begin it with refuse_loss(LOSSES)"
        yield "losses", message, "def downgrade"
    elif missing := [f"{n} {what}" for what, n in lost.items() if f"{n} {what}" not in done.stderr]:
        said = cut_short(" ".join(done.stderr.split()))
        yield "losses", f"the downgrade refuses and does not tell of {'; '.join(missing)}: {said}", "def downgrade"


def _accepted(trial: Trial, url: str, allowed: int, version_table: str) -> Iterator[Told]:
    try:
        trial.chain.downgrade(url, trial.revision)
    except Exception as error:  # noqa: BLE001 - whatever a revision raises is the finding
        yield "losses", f"the downgrade fails though the loss is accepted: {one_line(error)}", "def downgrade"
        return
    with connect(url) as connection:
        kept = rows(connection, None, without=version_table)
    gone = {
        table: (Counter(before) - Counter(kept.get(table, []))).total() for table, before in trial.below.rows.items()
    }
    if sum(gone.values()) > allowed:
        told = ", ".join(f"{n} of {table}" for table, n in gone.items() if n)
        message = f"accepted, the downgrade loses or changes more rows than LOSSES counts ({allowed}): {told}"
        yield "losses", message, "def downgrade"
