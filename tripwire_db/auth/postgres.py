"""Auth users as rows of the stand-in's `auth.users`: for the demo, for tests and for plain PostgreSQL."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy import (
    CTE,
    ColumnElement,
    and_,
    case,
    column,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from tripwire_db.auth.protocol import AuthUser, Claim, EmailExists, Mark, read_token
from tripwire_db.engine.database import Database
from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.errors import AuthFailed, ConstraintViolated, InvalidInput, TripwireError
from tripwire_db.postgres.auth_users import IS_STAND_IN
from tripwire_db.validation import parse_pool_size, require_storable

T = TypeVar("T")

POOL_SIZE = 5

# What the stand-in has beyond `tables.auth_users`, which knows no more than Supabase promises.
_users = table(
    "users",
    column("id", sa.UUID),
    column("email", sa.Text),
    column("email_confirmed_at", sa.DateTime(timezone=True)),
    column("created_at", sa.DateTime(timezone=True)),
    column("raw_app_meta_data", JSONB),
    column("raw_user_meta_data", JSONB),
    schema="auth",
)

# Our own mark on the schema, and no trace of GoTrue, which would not be there by accident.
_IS_OURS = f"""({IS_STAND_IN.strip()})
    AND to_regclass('auth.identities') IS NULL AND to_regclass('auth.schema_migrations') IS NULL"""


_NOTHING_LIKE_IT = {"3F000", "42P01", "42703"}  # no such schema, table, column


class _NotTheStandIn(Exception):
    """The gate of a flow found an `auth` schema that is not ours to write."""


class PostgresAuth:
    """Makes, changes, finds and removes auth users in the `auth.users` that `tripwire-db bootstrap` installed.

    Each call is one statement and one round trip, which also looks whether `auth` is the stand-in: Supabase's own, where
    GoTrue keeps more than a row, is refused with nothing written. Nobody can sign in at the stand-in, so passwords are
    not kept there, in no form. One object serves many threads; its few connections are opened on first use, and rely on
    no session, so a transaction pooler may stand between.

    Args:
        database_url: any `postgresql://` URL, unix sockets included.
        pool_size: at most so many connections, 1–1000, of its own in each process: those of a repository are beside them.

    Raises:
        InvalidInput: the URL is no PostgreSQL URL, or `pool_size` is out of range.

    Examples:
        >>> with PostgresAuth("postgresql://app:secret@localhost/course") as auth:
        ...     auth.create_user(id=uuid4(), email="ann@example.com", password=None, full_name="Ann", mark=Mark.STUDENT)
    """

    def __init__(self, database_url: str, *, pool_size: int = POOL_SIZE) -> None:
        # Statements this small gain little by being prepared, and lose a transaction pooler by it.
        self._database = Database(database_url, pool_size=parse_pool_size(pool_size), transaction_pooler=True)

    def __repr__(self) -> str:
        return "PostgresAuth()"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back connections; calling again is fine, and a later call opens new ones."""
        self._database.close()

    def create_user(self, *, id: UUID, email: str, password: str | None, full_name: str, mark: Mark) -> None:  # noqa: A002, ARG002
        """Make the auth user with exactly this id; see `Auth.create_user`. The password is not kept."""
        require_storable("email", email)
        require_storable("full_name", full_name)
        flow = _CREATE_AUTH_USER.flow(
            at=None,
            user_id=id,
            email=email,
            app_metadata=Jsonb(mark.app_metadata),
            user_metadata=Jsonb({"full_name": full_name}),
        )
        if not self._run(flow, "created"):
            failure = AuthFailed(
                f"the auth user {id} was not created: another one had its e-mail a moment ago; call again",
                applied=False,
            )
            raise EmailExists(failure, certain=True)

    def update_user(
        self,
        *,
        id: UUID,  # noqa: A002
        password: str | None = None,  # noqa: ARG002
        full_name: str | None = None,
        email: str | None = None,
        claim: Claim | None = None,
    ) -> None:
        """Change what is given of the auth user; see `Auth.update_user`. The password is not kept."""
        require_storable("email", email or "")
        require_storable("full_name", full_name or "")
        flow = _UPDATE_AUTH_USER.flow(
            at=None,
            user_id=id,
            email=email,
            app_metadata=Jsonb({} if claim is None else claim.app_metadata),
            user_metadata=Jsonb({} if full_name is None else {"full_name": full_name}),
        )
        try:
            outcome = self._run(flow, "changed")
        except AuthFailed as failure:
            cause = failure.__cause__
            lost_race = isinstance(cause, ConstraintViolated) and cause.sqlstate == "23505"
            if not lost_race:
                raise
            outcome = "taken"
        if outcome == "taken":
            taken = f"the auth user {id} was not changed: another one has the e-mail; use another e-mail"
            raise EmailExists(AuthFailed(taken, applied=False), certain=True)
        if outcome == "missing":
            raise AuthFailed(f"the auth user {id} was not changed: there is none with this id; check it", applied=False)

    def delete_user(self, id: UUID) -> bool:  # noqa: A002
        """Remove the auth user, and by the foreign keys what hangs from it; see `Auth.delete_user`."""
        return self._run(_DELETE_AUTH_USER.flow(at=None, user_id=id), "deleted")

    def find_user(self, id: UUID) -> AuthUser | None:  # noqa: A002
        """Look an auth user up by id; see `Auth.find_user`."""
        return self._run(_FIND_AUTH_USER.flow(user_id=id), "looked up")

    def _run(self, flow: Flow[T], done: str) -> T:
        user_id = flow.parameters["user_id"]
        not_ours = AuthFailed(
            f"the auth user {user_id} was not {done}: the schema auth of this server is not the stand-in that "
            "`tripwire-db bootstrap` makes; on Supabase set TRIPWIRE_SUPABASE_URL and TRIPWIRE_SERVICE_ROLE_KEY",
            applied=False,
        )
        try:
            return self._database.run(flow)
        except InvalidInput:
            raise
        except _NotTheStandIn:
            raise not_ours from None
        except TripwireError as error:
            if getattr(error.__cause__, "sqlstate", None) in _NOTHING_LIKE_IT:
                raise not_ours from None
            if getattr(error, "applied", False) is None:
                told = f"nobody can know whether the auth user {user_id} was {done}: {error}"
                raise AuthFailed(told, applied=None) from error
            raise AuthFailed(f"the auth user {user_id} was not {done}: {error}", applied=False) from error


def _server(b: StatementBuilder) -> CTE:
    """The gate of each: one row, which says whether `auth` is ours to write."""
    return b.gate("server", select(literal_column(_IS_OURS, sa.Boolean).label("is_stand_in")))


def _checked(row: Row) -> Row:
    if not row.is_stand_in:
        raise _NotTheStandIn
    return row


def _is_there(rows: Sequence[Row], _: Parameters) -> bool:
    return bool(_checked(rows[0]).is_there)


def _outcome_of_update(rows: Sequence[Row], _: Parameters) -> str:
    return str(_checked(rows[0]).outcome)


def _was_deleted(rows: Sequence[Row], _: Parameters) -> bool:
    return bool(_checked(rows[0]).was_deleted)


def _found(rows: Sequence[Row], _: Parameters) -> AuthUser | None:
    row = _checked(rows[0])
    return (
        None
        if row.id is None
        else AuthUser(row.id, row.email, Mark.read(row.raw_app_meta_data), read_token(row.raw_app_meta_data))
    )


def _create_auth_user(b: StatementBuilder) -> None:
    """Insert the row, unless its id or e-mail is there; run again after a lost answer, it finds its own row by the id."""
    server = _server(b)
    values = {
        "id": param("user_id", sa.UUID),
        "email": param("email"),
        "email_confirmed_at": b.at,
        "created_at": b.at,
        "raw_app_meta_data": param("app_metadata", JSONB),
        "raw_user_meta_data": param("user_metadata", JSONB),
    }
    # As GoTrue does, which keeps e-mails in lower case: one that differs only by case is taken.
    other = _users.alias("other")
    taken = exists(
        select(other.c.id).where(func.lower(other.c.email) == param("email"), other.c.id != param("user_id", sa.UUID))
    )
    source = select(*values.values()).join_from(b.settings, server, server.c.is_stand_in).where(~taken)
    made = b.step(
        "insert_auth_user",
        insert(_users).from_select(list(values), source).on_conflict_do_nothing().returning(_users.c.id),
    )
    before = exists(select(_users.c.id).where(_users.c.id == param("user_id", sa.UUID)))
    b.report(select(server.c.is_stand_in, or_(exists(select(made.c.id)), before).label("is_there")))


def _update_auth_user(b: StatementBuilder) -> None:
    """Change the row, unless another one has the e-mail; documents are merged by their top-level keys, as GoTrue does."""
    server = _server(b)
    user_id, email = param("user_id", sa.UUID), param("email")
    other = _users.alias("other")
    taken = exists(select(other.c.id).where(func.lower(other.c.email) == email, other.c.id != user_id))
    changed = b.step(
        "update_auth_user",
        update(_users)
        .values(
            email=func.coalesce(email, _users.c.email),
            raw_app_meta_data=_merged(_users.c.raw_app_meta_data, "app_metadata"),
            raw_user_meta_data=_merged(_users.c.raw_user_meta_data, "user_metadata"),
        )
        .where(
            _users.c.id == user_id,
            server.c.is_stand_in,
            b.settings.c.lock_timeout.is_not(None),
            ~taken,
        )
        .returning(_users.c.id),
    )
    b.report(
        select(
            server.c.is_stand_in,
            case((exists(select(changed.c.id)), "changed"), (taken, "taken"), else_="missing").label("outcome"),
        )
    )


def _merged(stored: ColumnElement[Any], given: str) -> ColumnElement[Any]:
    return func.coalesce(stored, sa.cast(literal_column("'{}'"), JSONB)).op("||")(param(given, JSONB))


def _delete_auth_user(b: StatementBuilder) -> None:
    """Delete the row; the settings are joined so that the lock timeout stands before the row is locked."""
    server = _server(b)
    gone = b.step(
        "delete_auth_user",
        delete(_users)
        .where(
            _users.c.id == param("user_id", sa.UUID),
            server.c.is_stand_in,
            b.settings.c.lock_timeout.is_not(None),
        )
        .returning(_users.c.id),
    )
    b.report(select(server.c.is_stand_in, exists(select(gone.c.id)).label("was_deleted")))


def _find_auth_user(b: StatementBuilder) -> None:
    server = _server(b)
    b.report(
        select(server.c.is_stand_in, _users.c.id, _users.c.email, _users.c.raw_app_meta_data).select_from(
            server.outerjoin(_users, and_(server.c.is_stand_in, _users.c.id == param("user_id", sa.UUID)))
        )
    )


_CREATE_AUTH_USER = FlowStatement("create_auth_user", _create_auth_user, _is_there)
_UPDATE_AUTH_USER = FlowStatement("update_auth_user", _update_auth_user, _outcome_of_update)
_DELETE_AUTH_USER = FlowStatement("delete_auth_user", _delete_auth_user, _was_deleted)
_FIND_AUTH_USER = FlowStatement("find_auth_user", _find_auth_user, _found)
