"""What a driver's error means: told by SQLSTATE, table, constraint and column, never by DETAIL, which repeats rows."""

from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from tripwire_db.engine.statement import LOCK_TIMEOUT_SECONDS, Flow
from tripwire_db.errors import ConstraintViolated, EmailTaken, InvalidInput, Refused, TripwireError, Unavailable

ANSWER_TIMEOUT_SECONDS = 8.0
"""A statement that is not answered by then is called off; longer than any row is waited for."""

# The server is on its way down or up, or has cut us off: the connection is lost, though the server said so itself.
_LOST_SQLSTATES = {"57P01", "57P02", "57P03", "57P05", "53300"}

_UNIQUE_VIOLATION = "23505"
_EMAIL_CONSTRAINTS = {"uq_users_email", "uq_tripwire_users_email"}

_OUR_SCHEMAS = ("public", "tripwire", "auth")

_REASONS = {
    "ck_tripwire_users_price": "price must not be negative",
    "ck_users_email_lower": "e-mails are stored in lower case",
    "ck_tripwire_users_email_lower": "e-mails are stored in lower case",
    "ck_tripwire_users_modules_completed": "0 to 3 modules",
    "ck_student_progress_completed_at": "a completed lesson has its time, no other has",
    "fk_student_progress_module_id_lesson_id": "the lesson does not belong to the module",
    "fk_users_id": "the auth user is gone",
    "fk_tripwire_users_user_id": "the auth user is gone",
    "fk_tripwire_users_granted_by": "the manager is gone",
}

_UPGRADE = "the schema is not the one this package needs: run `tripwire-db upgrade`"
_SCHEMA_SQLSTATES = ("42P01", "42703", "42883", "3F000")
_ADVICE = {
    # Never an argument's fault: each is sent as the type that its statement has.
    "22P02": "a parameter does not fit the statement: behind a transaction pooler, set TRIPWIRE_POOLER=transaction; else "
    "look for a trigger that casts what it cannot",
    "22P03": "a parameter does not fit the statement: behind a transaction pooler, set TRIPWIRE_POOLER=transaction",
    "25006": "the database is read-only (a replica, or its disk is full): use the primary's URL, or free the disk",
    "26000": "prepared statements get lost: this is a transaction pooler, so set TRIPWIRE_POOLER=transaction",
    "42P05": "prepared statements collide: this is a transaction pooler, so set TRIPWIRE_POOLER=transaction",
    "42501": "the database role may not do this: connect as the owner or as a member of service_role",
    **dict.fromkeys(_SCHEMA_SQLSTATES, _UPGRADE),
    "42P10": "a constraint of the schema is missing: run `tripwire-db drift`",
    "53100": "the database's disk is full: free some space, then call again",
    "53200": "the database is out of memory: call again later",
    "55P03": f"somebody else has held a row for more than {LOCK_TIMEOUT_SECONDS} s: call again",
    "57014": f"the statement was not done within {ANSWER_TIMEOUT_SECONDS:g} s (somebody may hold a table's lock), met the "
    "role's statement_timeout, or was cancelled by hand: call again",
}


class NotConfirmed(psycopg.Error):
    """The server has committed, and has stopped waiting for its synchronous standby, which may never hear of it."""


class NotReplicated(Unavailable):
    """`Unavailable` for a commit that no synchronous standby has confirmed; a failover now would lose it.

    Told apart because it must not be settled by a look at the rows: they are there, and may be gone tomorrow.
    """


class SchemaMismatch(Unavailable):
    """`Unavailable` because what a statement names is not there: the schema is another revision's, or there is none."""


def driver_error(error: BaseException) -> BaseException | None:
    """The driver's own error, which SQLAlchemy may have wrapped."""
    return error.orig if isinstance(error, DBAPIError) else error


def is_dead(error: BaseException) -> bool:
    """Whether an error means that the connection is gone."""
    driver = driver_error(error)
    return isinstance(driver, psycopg.Error) and is_lost(driver)


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection, not the statement, is what failed."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith("08") or state in _LOST_SQLSTATES


def is_stale_plan(error: psycopg.Error) -> bool:
    """Whether a migration has made a prepared plan stale: nothing was done, and a new connection plans anew."""
    return error.sqlstate == "0A000" and error.diag.source_function == "RevalidateCachedQuery"


def translated(
    error: psycopg.Error, name: str, flow: Flow[Any] | None, *, applied: bool | None = False
) -> TripwireError:
    """What a driver's error means to the caller of a flow.

    Args:
        error: as the driver raised it.
        name: the flow's.
        flow: whose statement was sent, to tell the step.
        applied: None where an earlier attempt may have taken effect.
    """
    state = error.sqlstate or ""
    diag = error.diag
    is_ours = diag.schema_name in {None, *_OUR_SCHEMAS}  # applications have tables, and constraints, of the same names
    if state == _UNIQUE_VIOLATION and is_ours and diag.constraint_name in _EMAIL_CONSTRAINTS:
        return EmailTaken(
            f"{name}: another user already has this e-mail; use another one",
            email=None if flow is None else flow.parameters.get("email"),
        )
    if state.startswith("23") or state == "P0001":
        return ConstraintViolated(
            flow=name,
            step=flow.definition.step_of(diag.table_name) if flow is not None and is_ours else None,
            schema=diag.schema_name,
            table=diag.table_name,
            constraint=diag.constraint_name,
            column=diag.column_name,
            sqlstate=state,
            reason=_REASONS.get(diag.constraint_name or "", "") if is_ours else "",
        )
    if state not in _ADVICE and (state.startswith("22") or isinstance(error, psycopg.DataError)):
        return InvalidInput(f"{name}: {(diag.message_primary or str(error))[:300]}")
    outcome = outcome_of(applied)
    if state in _ADVICE:
        advice = f"{name}: {_ADVICE[state]}; {outcome}"
        if state in _SCHEMA_SQLSTATES:
            return SchemaMismatch(advice, applied=applied)
        return Refused(advice) if state == "42501" else Unavailable(advice, applied=applied)
    return Unavailable(
        f"{name}: the database answered SQLSTATE {state or 'none'} ({type(error).__name__}); {outcome}", applied=applied
    )


def outcome_of(applied: bool | None) -> str:
    """`Unavailable.applied` in words."""
    return "nothing was written" if applied is False else "it is not known whether it took effect"
