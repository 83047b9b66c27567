"""Mends what a look has found: exactly that, under the lock that every flow takes, and nothing that has changed since."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from tripwire_db.errors import TripwireError, Unavailable
from tripwire_db.flows.issue_certificate import issue_certificate
from tripwire_db.flows.shared.context import DEFAULT_CERTIFICATE_URL, FlowContext
from tripwire_db.postgres.errors import first_line, without_rows
from tripwire_db.postgres.search_path import PIN
from tripwire_db.schema.doctor.damage import Damage, Values
from tripwire_db.schema.doctor.examine import connect, look, prepare
from tripwire_db.schema.doctor.kinds import BY_NAME, KINDS, Remedy
from tripwire_db.schema.doctor.sources import Layout
from tripwire_db.schema.statement_timeout import statement_timeout, told_if_too_long, took_too_long
from tripwire_db.settings import Settings
from tripwire_db.video import WatchPolicy

logger = logging.getLogger("tripwire_db.schema.doctor")

BATCH = 50
"""Students per transaction: their heartbeats wait while it lasts, a fraction of a second."""
ATTEMPTS = 5
LOCK_TIMEOUT_SECONDS = 4
_ORDER = {kind.name: number for number, kind in enumerate(KINDS)}
_AGAIN = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)


class State(StrEnum):
    """What became of a finding."""

    MENDED = "mended"
    CHANGED = "changed"
    FAILED = "failed"
    NEEDS_A_PERSON = "needs a person"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one finding; `note` says why it was not mended, or what to do."""

    finding: Damage
    state: State
    note: str = ""


def mend(url: str, findings: Iterable[Damage], *, threshold: float = WatchPolicy().threshold) -> tuple[Result, ...]:
    """Mend what `examine` found, and nothing else.

    In transactions of a few students each: lock their rows of `tripwire_users` as every flow does, look again, mend
    what is still exactly as it was found, log it. What has changed meanwhile is left alone and said so. What cannot be
    known is never made up: no watched time, no completion, no password, no e-mail marked as sent. An index is
    built again CONCURRENTLY, outside any transaction.

    Args:
        url: the database, as its owner or a role with BYPASSRLS.
        findings: those to mend.
        threshold: as for `examine`.

    Returns:
        A result for each finding, in the order given.

    Raises:
        Refused: see `examine`.
        Unavailable: the server cannot be reached, or was lost on the way: what was mended by then stays.

    Examples:
        >>> [result.state.value for result in mend(url, examine(url))]
        ['mended', 'mended']
    """
    wanted = list(findings)
    results: dict[str, Result] = {}
    by_person: dict[UUID | None, list[Damage]] = defaultdict(list)
    indexes: list[Damage] = []
    for finding in wanted:
        if not finding.mendable:
            results[finding.identity] = Result(finding, State.NEEDS_A_PERSON, finding.reason)
        elif BY_NAME[finding.kind].remedy is Remedy.INDEX:
            indexes.append(finding)
        else:
            by_person[finding.user_id].append(finding)
    with connect(url) as connection, told_if_too_long("what was mended by then stays; ", applied=None):
        try:
            layout = Layout.read(connection)
            # Students without an id first: who they are decides what others are about.
            for people in _batches(by_person):
                chosen = [finding for person in people for finding in by_person[person]]
                for result in _treat_with_patience(connection, layout, people, chosen, threshold):
                    results[result.finding.identity] = result
            for finding in indexes:
                results[finding.identity] = _rebuild(connection, finding)
        except errors.QueryCanceled:
            raise
        except psycopg.OperationalError as error:
            raise Unavailable(
                "the connection was lost; what was mended by then stays, so call again", applied=None
            ) from without_rows(error)
    for result in results.values():
        _tell(result)
    return tuple(results[finding.identity] for finding in wanted)


def _batches(by_person: Mapping[UUID | None, Sequence[Damage]]) -> Iterator[Sequence[UUID | None]]:
    if None in by_person:
        yield (None,)
    known = sorted(person for person in by_person if person is not None)
    for start in range(0, len(known), BATCH):
        yield known[start : start + BATCH]


def _treat_with_patience(
    connection: psycopg.Connection[Any],
    layout: Layout,
    people: Sequence[UUID | None],
    findings: Sequence[Damage],
    threshold: float,
) -> list[Result]:
    """One transaction; again after a deadlock, or a lock that took too long."""
    failure: psycopg.Error | None = None
    for _ in range(ATTEMPTS):
        try:
            with connection.transaction():
                return _treat(connection, layout, people, findings, threshold)
        except _AGAIN as error:
            failure = error
    return [Result(finding, State.FAILED, _why(failure)) for finding in findings]


def _treat(
    connection: psycopg.Connection[Any],
    layout: Layout,
    people: Sequence[UUID | None],
    findings: Sequence[Damage],
    threshold: float,
) -> list[Result]:
    prepare(connection)
    connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
    ids = [person for person in people if person is not None]
    if ids:
        connection.execute(
            "SELECT FROM public.tripwire_users WHERE user_id = ANY (%s) ORDER BY user_id FOR UPDATE", (ids,)
        )
    else:
        connection.execute("SELECT FROM public.tripwire_users WHERE user_id IS NULL ORDER BY id FOR UPDATE")
    # A fresh look, in a statement after the lock.
    kinds = [BY_NAME[name] for name in sorted({finding.kind for finding in findings}, key=_ORDER.__getitem__)]
    now = {f.identity: f for f in look(connection, layout, kinds, threshold=threshold, only=ids or None)}
    results: list[Result] = []
    for finding in sorted(findings, key=lambda f: _ORDER[f.kind]):
        if not finding.same_as(now.get(finding.identity)):
            results.append(Result(finding, State.CHANGED, "it has changed since it was found; look again"))
            continue
        try:
            with connection.transaction():  # a savepoint: what is refused takes nothing else with it
                results.append(_mend(connection, finding))
        except (errors.IntegrityError, errors.ProgrammingError, errors.DataError) as error:
            results.append(Result(finding, State.FAILED, _why(error)))
    mended = [result.finding for result in results if result.state is State.MENDED]
    if layout.log_may_have_no_manager:
        _log(connection, mended)
    return results


def _mend(connection: psycopg.Connection[Any], finding: Damage) -> Result:
    if BY_NAME[finding.kind].remedy is Remedy.CERTIFICATE:
        return _issue(connection, finding)
    wanted = finding.wanted or {}
    if finding.found is None:
        done = _insert(connection, finding.table, wanted)
    else:
        done = _update(connection, finding.table, finding.key, finding.found, wanted)
    if done:
        return Result(finding, State.MENDED)
    return Result(finding, State.CHANGED, "it has changed since it was found; look again")


def _insert(connection: psycopg.Connection[Any], table: str, row: Values) -> bool:
    columns = sql.SQL(", ").join(map(sql.Identifier, row))
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s) "
        "ON CONFLICT DO NOTHING"
    ).format(table=sql.Identifier("public", table), columns=columns)
    return connection.execute(statement, (Jsonb(row),)).rowcount == 1


def _update(connection: psycopg.Connection[Any], table: str, key: Values, found: Values, wanted: Values) -> bool:
    """Write the columns wanted, if the row still holds what was found: the last word is the row's own."""
    columns = sql.SQL(", ").join(map(sql.Identifier, wanted))
    where = sql.SQL(" AND ").join(sql.SQL("t.{} = %s").format(sql.Identifier(column)) for column in key)
    statement = sql.SQL(
        "UPDATE {table} AS t SET ({columns}) = (SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s)) "
        "WHERE {where} AND to_jsonb(t) @> %s"
    ).format(table=sql.Identifier("public", table), columns=columns, where=where)
    return connection.execute(statement, (Jsonb(wanted), *key.values(), Jsonb(found))).rowcount == 1


def _issue(connection: psycopg.Connection[Any], finding: Damage) -> Result:
    """Issue the certificate by the flow, which checks everything once more and logs it itself."""
    course = FlowContext(certificate_url=Settings.from_env().certificate_url or DEFAULT_CERTIFICATE_URL)
    flow = issue_certificate(course, user_id=finding.key["user_id"])
    with connection.cursor(row_factory=psycopg.rows.namedtuple_row) as cursor:
        rows = cursor.execute(flow.sql().encode(), flow.parameters).fetchall()
    try:
        flow.decode(rows)
    except TripwireError as error:
        return Result(finding, State.FAILED, str(error))
    return Result(finding, State.MENDED)


def _log(connection: psycopg.Connection[Any], mended: Sequence[Damage]) -> None:
    """Tell the activity log, one row for each student and action; the system did it, so there is no manager."""
    entries: dict[tuple[UUID, str], list[Damage]] = defaultdict(list)
    for finding in mended:
        if finding.user_id is not None and BY_NAME[finding.kind].remedy is Remedy.ROWS:
            entries[finding.user_id, _ACTIONS.get(finding.kind, "user_status_updated")].append(finding)
    for (user_id, action), findings in entries.items():
        details: dict[str, Any] = {
            "by": "doctor",
            "mended": [{"kind": f.kind, "table": f.table, "found": f.found, "wanted": f.wanted} for f in findings],
        }
        if action == "module_unlocked":
            details["module_id"] = max((f.wanted or {})["module_id"] for f in findings)
        connection.execute(
            """
            INSERT INTO public.sales_activity_log (action_type, target_user_id, details)
            SELECT %(action)s, %(user_id)s, jsonb_strip_nulls(jsonb_build_object(
                'email', coalesce(t.email, u.email), 'full_name', coalesce(t.full_name, u.full_name)
            )) || %(details)s
            FROM (SELECT) AS one
            LEFT JOIN public.tripwire_users t ON t.user_id = %(user_id)s
            LEFT JOIN public.users u ON u.id = %(user_id)s
            """,
            {"action": action, "user_id": user_id, "details": Jsonb(details)},
        )


_ACTIONS = {
    "unlock_missing": "module_unlocked",
    "certificate_twice": "certificate_revoked",
    "user_missing": "user_created",
}


def _rebuild(connection: psycopg.Connection[Any], finding: Damage) -> Result:
    """Build an index again beside the traffic; what a failed attempt leaves behind goes.

    It may wait for long transactions, and nobody but other DDL waits for it. Behind a pooler the role's
    statement_timeout holds, since a SET would leak.
    """
    schema, _, name = str(finding.key["index"]).partition(".")
    if not _is_invalid(connection, schema, name):
        return Result(finding, State.CHANGED, "it has changed since it was found; look again")
    leftover = name.rstrip("0123456789").endswith(("_ccnew", "_ccold"))
    if direct := _is_direct(connection):
        connection.execute(f"SET statement_timeout = '{statement_timeout()}'")
    statement = "DROP INDEX CONCURRENTLY {}" if leftover else "REINDEX INDEX CONCURRENTLY {}"
    try:
        connection.execute(sql.SQL(statement).format(sql.Identifier(schema, name)))
    except (
        errors.IntegrityError,
        errors.LockNotAvailable,
        errors.DeadlockDetected,
        errors.InsufficientPrivilege,
        errors.QueryCanceled,
    ) as error:
        half_built = f"{name}_ccnew"
        if _is_invalid(connection, schema, half_built):
            connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, half_built)))
        ended_by_role = isinstance(error, errors.QueryCanceled) and not direct
        return Result(finding, State.FAILED, _BEHIND_A_POOLER if ended_by_role else _why(error))
    return Result(finding, State.MENDED)


_BEHIND_A_POOLER = "it was ended: behind a pooler the statement_timeout of the role or the server holds. Connect directly, then call again"


def _is_direct(connection: psycopg.Connection[Any]) -> bool:
    """Whether the session is ours alone: no pooler announces a pid that is the backend's."""
    return connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchone() == (connection.info.backend_pid,)


def _is_invalid(connection: psycopg.Connection[Any], schema: str, name: str) -> bool:
    with connection.transaction():
        connection.execute(PIN)
        found = connection.execute(
            "SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) "
            "AND NOT (indisvalid AND indisready)",
            (schema, name),
        ).fetchone()
    return found is not None


def _why(error: psycopg.Error | None) -> str:
    """What the server said, without the values of any row."""
    if error is None:
        return "nothing was tried"
    if isinstance(error, errors.QueryCanceled):
        return took_too_long()
    where = f" (constraint {error.diag.constraint_name})" if error.diag.constraint_name else ""
    return f"the database refused: {first_line(error)}{where}"


def _tell(result: Result) -> None:
    """One record for each finding: names and ids, no values."""
    finding = result.finding
    level = logging.WARNING if result.state in (State.CHANGED, State.FAILED) else logging.INFO
    logger.log(
        level,
        "%s: %s of %s, user %s, columns %s",
        result.state.value,
        finding.kind,
        finding.table,
        finding.user_id,
        ", ".join(finding.wanted or finding.found or ()),
        extra={"kind": finding.kind, "table": finding.table, "user_id": finding.user_id, "state": result.state.value},
    )
