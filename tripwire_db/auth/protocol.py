"""What the repository asks of an auth service, whichever it is."""

import inspect
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID

from tripwire_db.errors import AuthFailed


class Mark(StrEnum):
    """What an auth user made by us is for, kept in its `app_metadata` as `{"tripwire": {"kind": "student"}}`.

    People can edit their own `user_metadata`, and nobody but the service key can edit `app_metadata`: so the mark
    tells an auth user that we may resume, or remove again, from one that was never ours.
    """

    STUDENT = "student"
    MANAGER = "manager"

    @property
    def app_metadata(self) -> dict[str, Any]:
        """The mark as the auth service stores it."""
        return {"tripwire": {"kind": self.value}}

    @classmethod
    def read(cls, app_metadata: object) -> "Mark | None":
        """The mark in what an auth service returned, or None where there is none of ours."""
        ours = app_metadata.get("tripwire") if isinstance(app_metadata, dict) else None
        kind = ours.get("kind") if isinstance(ours, dict) else None
        return next((mark for mark in cls if mark.value == kind), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """Our mark together with the token of the call that set password and name last; rows are written for that token only.

    An auth user that was never claimed has no token in its mark: there its id, random and chosen by the call that made
    it, stands for that call.
    """

    mark: Mark
    token: UUID

    @property
    def app_metadata(self) -> dict[str, Any]:
        """The mark with the token, as the auth service stores it."""
        return {"tripwire": {"kind": self.mark.value, "token": str(self.token)}}


def read_token(app_metadata: object) -> str | None:
    """The token in what an auth service returned, or None where our mark has none."""
    ours = app_metadata.get("tripwire") if isinstance(app_metadata, dict) else None
    token = ours.get("token") if isinstance(ours, dict) else None
    return token if isinstance(token, str) else None


def set_claimed(auth: "Auth", *, id: UUID, password: str, full_name: str, claim: Claim) -> UUID:  # noqa: A002
    """Give an auth user password and name, claimed for this call where its service can keep a claim.

    Returns:
        The token that rows are to be written for: the claim's, or the user's id where nothing was claimed. There the lock
        on the auth user alone keeps slower calls away.

    Raises:
        EmailExists, InvalidInput, AuthFailed: as `Auth.update_user`.
    """
    if "claim" not in inspect.signature(auth.update_user).parameters:
        auth.update_user(id=id, password=password, full_name=full_name)
        return id
    auth.update_user(id=id, password=password, full_name=full_name, claim=claim)
    return claim.token


@dataclass(frozen=True, slots=True)
class AuthUser:
    """An auth user as the service has it.

    Attributes:
        id: of `auth.users`.
        email: None for one who has a phone alone.
        mark: None for one that we did not make, and for one that was softly deleted.
        token: None for one never claimed.
        is_deleted: softly, from Supabase's dashboard, say: the row is there, and nobody can log in.
    """

    id: UUID
    email: str | None
    mark: Mark | None
    token: str | None = None
    is_deleted: bool = False


class EmailExists(Exception):
    """The e-mail belongs to another auth user, or may: the one to tell is a look into `auth.users` by SQL.

    Internal to the package. The Admin API cannot look up by e-mail, and reports an e-mail taken in a race as a plain
    500: so the repository looks, goes on with the auth user it finds, and raises `failure` where it finds none.

    Attributes:
        certain: True if the service said so itself, False if its answer left it open.
        failure: what to raise if nobody has this e-mail after all.
    """

    def __init__(self, failure: AuthFailed, *, certain: bool) -> None:
        self.certain = certain
        self.failure = failure
        super().__init__("the e-mail belongs to another auth user" if certain else "the e-mail may be taken")


class Auth(Protocol):
    """Makes, changes, finds and removes auth users. One object serves many threads; the async repository calls it in threads.

    Implemented by `SupabaseAuth` (Admin API) and `PostgresAuth` (rows in the stand-in's `auth.users`).
    """

    def create_user(self, *, id: UUID, email: str, password: str | None, full_name: str, mark: Mark) -> None:  # noqa: A002
        """Make the auth user with exactly this id, its e-mail confirmed and our mark in its `app_metadata`.

        The id is random and chosen by the caller, so whoever is found under it was made by this very call: an unclear
        answer is settled by a look at the id, and ends in success if the user is there.

        Args:
            id: a fresh random UUID.
            email: lower-case.
            password: None for an account without one that anybody knows.
            full_name: kept in `user_metadata`.
            mark: what the auth user is for.

        Raises:
            EmailExists: another auth user has the e-mail, or may have it.
            InvalidInput: the service finds the e-mail invalid or the password too weak.
            AuthFailed: it was not made (`applied` False), or nobody can know (`applied` None).
        """

    def update_user(
        self,
        *,
        id: UUID,  # noqa: A002
        password: str | None = None,
        full_name: str | None = None,
        email: str | None = None,
        claim: Claim | None = None,
    ) -> None:
        """Change what is given of an auth user, all at once or nothing.

        Args:
            id: of an auth user that is there.
            password: the new one; None leaves it as it is.
            full_name: kept in `user_metadata`; None leaves it.
            email: lower-case, confirmed; None leaves it.
            claim: our mark and the token of this call, kept in `app_metadata`; None leaves them.

        Raises:
            EmailExists: another auth user has the e-mail, or may have it.
            InvalidInput: the service finds the e-mail or the password invalid.
            AuthFailed: nothing was changed, or there is no such auth user (`applied` False), or nobody can know (`applied`
                None).
        """

    def delete_user(self, id: UUID) -> bool:  # noqa: A002
        """Remove the auth user for good, and with it every row that hangs from it.

        Returns:
            True if it is gone by this call, False if there was none.

        Raises:
            AuthFailed: it is still there (`applied` False), or nobody can know (`applied` None).
        """

    def find_user(self, id: UUID) -> AuthUser | None:  # noqa: A002
        """Look an auth user up by id; None if there is none.

        Raises:
            AuthFailed: the service could not tell.
        """

    def close(self) -> None:
        """Give back connections; calling again is fine, and a later call opens new ones."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
