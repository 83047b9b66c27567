"""The auth service in this process: rows of the stand-in's `auth.users`, and the answers that Supabase Auth gives.

The real one keeps a hash of the password, and says whether one is right; here it stands in `encrypted_password` as it is,
so that a test can see who could log in with what.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tripwire_db.auth import AuthUser, Claim, EmailExists, Mark
from tripwire_db.auth.protocol import read_token
from tripwire_db.errors import AuthFailed

TAKEN = "SELECT 1 FROM auth.users WHERE email = %(email)s AND NOT is_sso_user AND id <> %(id)s"


class AuthService:
    """An auth object for the repository. `before` and `after` are called around each request, with its method's name."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None
        self.made: list[tuple[str, UUID]] = []
        """The requests so far, oldest first."""

    def create_user(self, *, id: UUID, email: str, password: str | None, full_name: str, mark: Mark) -> None:  # noqa: A002
        def create(connection: psycopg.Connection[Any]) -> None:
            asked = {"id": id, "email": email}
            if connection.execute(TAKEN, asked).fetchone() or self._is_linked(connection, email):
                raise _taken(certain=True)
            try:
                connection.execute(
                    "INSERT INTO auth.users (id, email, encrypted_password, raw_app_meta_data, raw_user_meta_data)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    [id, email, password, Jsonb(mark.app_metadata), Jsonb({"full_name": full_name})],
                )
            except psycopg.Error:
                raise _taken(certain=False) from None  # an e-mail taken in a race, a trigger that fails: a plain 500

        self._ask("create_user", id, create)

    def update_user(
        self,
        *,
        id: UUID,  # noqa: A002
        password: str | None = None,
        full_name: str | None = None,
        email: str | None = None,
        claim: Claim | None = None,
    ) -> None:
        def update(connection: psycopg.Connection[Any]) -> None:
            asked = {"id": id, "email": email}
            if email is not None and (
                connection.execute(TAKEN, asked).fetchone() or self._is_linked(connection, email)
            ):
                raise _taken(certain=True)
            try:
                changed = connection.execute(
                    "UPDATE auth.users SET encrypted_password = coalesce(%s, encrypted_password), email = coalesce(%s, email),"
                    " raw_user_meta_data = raw_user_meta_data || %s, raw_app_meta_data = raw_app_meta_data || %s WHERE id = %s",
                    [
                        password,
                        email,
                        Jsonb({} if full_name is None else {"full_name": full_name}),
                        Jsonb({} if claim is None else claim.app_metadata),
                        id,
                    ],
                )
            except psycopg.errors.UniqueViolation:
                raise _taken(certain=False) from None  # taken in a race
            if changed.rowcount == 0:
                raise AuthFailed(f"the auth user {id} was not changed: 404 (user_not_found); call again", applied=False)

        self._ask("update_user", id, update)

    def delete_user(self, id: UUID) -> bool:  # noqa: A002
        gone: list[bool] = []

        def delete(connection: psycopg.Connection[Any]) -> None:
            gone.append(connection.execute("DELETE FROM auth.users WHERE id = %s", [id]).rowcount == 1)

        self._ask("delete_user", id, delete)
        return gone[0]

    def find_user(self, id: UUID) -> AuthUser | None:  # noqa: A002
        with psycopg.connect(self._url, autocommit=True, row_factory=dict_row) as connection:
            row = connection.execute("SELECT * FROM auth.users WHERE id = %s", [id]).fetchone()
        if row is None:
            return None
        metadata = row["raw_app_meta_data"]
        return AuthUser(id, row["email"], Mark.read(metadata), read_token(metadata))

    def logs_in(self, email: str, password: str) -> bool:
        """Whether somebody logs in with this e-mail and password."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            found = connection.execute(
                "SELECT 1 FROM auth.users WHERE email = %s AND encrypted_password = %s", [email, password]
            )
            return found.fetchone() is not None

    def close(self) -> None:
        """Nothing is kept open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, user_id: UUID, request: Callable[[psycopg.Connection[Any]], None]) -> None:
        self.made.append((method, user_id))
        self.before(method)
        self.answer(method, request)
        self.after(method)

    def answer(self, method: str, request: Callable[[psycopg.Connection[Any]], None]) -> None:
        """Carry a request out; a kind that loses requests or answers may do otherwise."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            request(connection)

    def _is_linked(self, connection: psycopg.Connection[Any], email: str) -> bool:
        there = connection.execute("SELECT to_regclass('auth.identities') IS NOT NULL").fetchone()
        return bool(there and there[0]) and bool(
            connection.execute("SELECT 1 FROM auth.identities WHERE email = %s", [email]).fetchone()
        )


def _taken(*, certain: bool) -> EmailExists:
    told = "422 (email_exists)" if certain else "500 (unexpected_failure)"
    return EmailExists(
        AuthFailed(f"the auth user was not created or changed: {told}; call again", applied=False), certain=certain
    )
