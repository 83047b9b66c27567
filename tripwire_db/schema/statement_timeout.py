"""How long a statement of `bootstrap`, `adopt` and `doctor` may run, and what is said where the server ended one."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import errors

from tripwire_db.errors import Unavailable
from tripwire_db.postgres.errors import without_rows
from tripwire_db.schema.runner.limits import Limits, spell


def statement_timeout() -> str:
    """How long a statement of theirs may run, as PostgreSQL reads it.

    The runner's limit, by TRIPWIRE_STATEMENT_TIMEOUT, and not that of the server or the role, which is meant for
    applications: Supabase's documentation gives 2 minutes.

    Raises:
        MigrationError: The variable is no duration.
    """
    return spell(Limits.read({}, {}).statement_timeout)


def took_too_long() -> str:
    """What to say, and to do, where a statement of theirs was ended (SQLSTATE 57014)."""
    return (
        f"a statement was ended: somebody cancelled it, or it ran longer than {statement_timeout()}. "
        "TRIPWIRE_STATEMENT_TIMEOUT sets how long one may run, as in 30min, 0 for no limit; then call again"
    )


@contextmanager
def told_if_too_long(done: str = "", *, applied: bool | None = False) -> Iterator[None]:
    """Say so where the server ends a statement.

    Args:
        done: what was changed by then, or that nothing was; it stands first.
        applied: the error's `applied`.

    Raises:
        Unavailable: a statement was ended (SQLSTATE 57014).
    """
    try:
        yield
    except errors.QueryCanceled as error:
        raise Unavailable(done + took_too_long(), applied=applied) from without_rows(error)
