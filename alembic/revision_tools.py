"""What revisions share: SQL from files, losses that must be accepted, indexes built beside the traffic.

A revision is frozen on the day it is merged, so what stands here may grow, but not change its meaning.
Nothing here imports tripwire_db.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from alembic import context, op
from sqlalchemy import text

_SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows or values that the layout before this revision cannot hold.

    `what` reads on after a count ("3 certificates"); `rows` is the SELECT list's source: everything after
    `SELECT count(*)`, for example `FROM public.certificates`.
    """

    what: str
    rows: str


def read_sql(name: str) -> str:
    """Read `alembic/sql/<name>.sql`, one immutable file for each version of a function or trigger."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def execute(sql: str) -> None:
    """Run literal SQL as it stands: no colon in it is a parameter."""
    op.execute(text(sql.replace(":", r"\:")))


def execute_file(name: str) -> None:
    """Run `alembic/sql/<name>.sql`."""
    execute(read_sql(name))


def loss_accepted() -> bool:
    """Whether the command was run with `-x accept-loss=yes`."""
    return context.get_x_argument(as_dictionary=True).get("accept-loss") == "yes"


def refuse_loss(losses: Iterable[Loss]) -> None:
    """Stop a downgrade, with counts, where it would lose rows; `-x accept-loss=yes` lets it go on.

    The counting happens in the database, so it stands in offline SQL too.
    """
    found = list(losses)
    if loss_accepted() or not found:
        return
    counts = "\n".join(
        f"    SELECT count(*) INTO n {loss.rows};\n"
        f"    IF n > 0 THEN lost := lost || (n || ' ' || {_literal(loss.what)}); END IF;"
        for loss in found
    )
    execute(
        f"""DO $refuse$
DECLARE
    n bigint;
    lost text[] := '{{}}';
BEGIN
{counts}
    IF cardinality(lost) > 0 THEN
        RAISE EXCEPTION 'This downgrade would lose: %.', array_to_string(lost, '; ')
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Take a backup, then run it again with -x accept-loss=yes.';
    END IF;
END
$refuse$"""
    )


def build_indexes(definitions: Iterable[str]) -> None:
    """Build indexes CONCURRENTLY, in a revision that does nothing else.

    Each definition is written as `pg_get_indexdef` prints it, so that a run after a failed one can tell what is already
    there: an INVALID leftover is dropped, a finished index of the same definition is kept, and another index that
    has taken the name is an error of CREATE INDEX. Offline SQL cannot choose, so there a finished one is built again.
    """
    with op.get_context().autocommit_block():
        for definition in definitions:
            name = _index_name(definition)
            execute(_drop_leftover(name, definition))
            if not context.is_offline_mode() and _definition_of(name) == definition:
                continue
            execute(definition.replace("INDEX ", "INDEX CONCURRENTLY ", 1))


def drop_indexes(definitions: Iterable[str]) -> None:
    """Drop indexes CONCURRENTLY, in a revision that does nothing else; one gone since a failed run is passed over."""
    with op.get_context().autocommit_block():
        for definition in definitions:
            name = _index_name(definition)
            execute(f"DROP INDEX CONCURRENTLY IF EXISTS public.{name}")


def _index_name(definition: str) -> str:
    return definition.partition("INDEX ")[2].split(" ", 1)[0]


def _drop_leftover(name: str, definition: str) -> str:
    finished = f" OR pg_get_indexdef(indexrelid) = {_literal(definition)}" if context.is_offline_mode() else ""
    return f"""DO $leftover$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_index
        WHERE indexrelid = to_regclass('public.{name}') AND (NOT indisvalid{finished})
    ) THEN
        DROP INDEX public.{name};
    END IF;
END
$leftover$"""


def _definition_of(name: str) -> str | None:
    found: str | None = op.get_bind().scalar(
        text("SELECT pg_catalog.pg_get_indexdef(to_regclass(:name))"), {"name": f"public.{name}"}
    )
    return found


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
