"""People across auth service and database: made complete or not at all, resumed, and deleted to the end.

Every step here is one flow, one call of the auth service, or one transaction that holds the advisory lock on the auth
user's id while the auth service is called. What may happen between any two steps, of this call and of others, is what
these generators are written for.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar
from uuid import UUID, uuid4

from tripwire_db.auth import Auth, Claim, EmailExists, Mark
from tripwire_db.auth.protocol import set_claimed
from tripwire_db.engine.driver_errors import NotReplicated
from tripwire_db.engine.statement import Flow
from tripwire_db.errors import (
    AuthFailed,
    CompensationFailed,
    ConstraintViolated,
    EmailTaken,
    TripwireError,
    Unavailable,
)
from tripwire_db.flows.shared.auth_user import (
    AuthUserChanged,
    AuthUserFacts,
    AuthUserGone,
    find_by_email,
    find_by_id,
    is_used,
    lock_auth_user,
    schema_is_there,
)
from tripwire_db.repository.operation import AuthCall, InTransaction, Operation, Services
from tripwire_db.results import CreatedManager, CreatedStudent, DeletedStudent

Created = TypeVar("Created", CreatedStudent, CreatedManager)

_MAX_RESTARTS = 20
# Somebody may vanish between the auth service's answer and our look, once or twice, and not every time.
_MAX_UNSEEN = 5
_CHECK_PROJECT = "check that the auth service and the database URL are of the same project, and that `tripwire-db check` finds nothing"
# The foreign keys that fail where an auth user goes while its rows are being written.
_AUTH_USER_KEYS = {"fk_users_id", "fk_tripwire_users_user_id"}


class _Undone(Enum):
    """What became of an auth user that was to be removed: somebody had completed it, it was removed, or it was not there."""

    KEPT = auto()
    REMOVED = auto()
    MISSING = auto()


class _HolderUnseen(Exception):
    """The auth service says for certain that the e-mail is taken, and the database shows nobody who has it."""


@dataclass(frozen=True, slots=True)
class Person(Generic[Created]):
    """Whom to create: what the auth user is to have, and how rows are written for it.

    Attributes:
        is_complete: whether an auth user that has the e-mail is such a person already, to be reported.
        write: the flow that writes the rows of an auth user, where its mark has this call's token, and reports them.
    """

    email: str
    full_name: str
    password: str | None
    mark: Mark
    is_complete: Callable[[AuthUserFacts], bool]
    write: Callable[[UUID, UUID | None], Flow[Created]]

    def is_half_made(self, facts: AuthUserFacts) -> bool:
        """Whether an auth user is one of ours, made for such a person, whose rows are not written."""
        return facts.kind == self.mark.value and not facts.is_used and not facts.was_deleted


def create_person(services: Services, person: Person[Created]) -> Operation[Created]:
    """Auth user, then rows. Where another call takes over or removes the auth user in between, begin again."""
    services.context.now()  # a clock that cannot tell the time says so before anything is made
    unseen = 0
    for _ in range(_MAX_RESTARTS):
        try:
            return (yield from _create(services.auth, person))
        except AuthUserChanged:
            continue
        except _HolderUnseen:
            unseen += 1
            if unseen == _MAX_UNSEEN:
                raise AuthFailed(
                    f"the auth service says that somebody has the e-mail {person.email}, and the database does not show "
                    f"whom: {_CHECK_PROJECT}",
                    applied=False,
                ) from None
    raise Unavailable(
        f"{person.email}: other calls made and removed the same user {_MAX_RESTARTS} times meanwhile; call again",
        applied=False,
    )


def _create(auth: Auth, person: Person[Created]) -> Operation[Created]:
    user_id = uuid4()
    try:
        yield AuthCall(
            lambda: auth.create_user(
                id=user_id,
                email=person.email,
                password=person.password,
                full_name=person.full_name,
                mark=person.mark,
            )
        )
    except EmailExists as taken:
        holder = yield from _find_holder(person.email, taken)
        if holder.user_id != user_id:
            return (yield from _take_over(auth, person, holder))
        # Made by this very call, whose answer was lost.
    return (yield from _complete(auth, person, user_id))


def _find_holder(email: str, taken: EmailExists) -> Operation[AuthUserFacts]:
    try:
        holder: AuthUserFacts | None = yield find_by_email(email=email)
    except TripwireError as failure:
        if taken.certain:
            raise
        raise Unavailable(
            f"nobody can know whether the auth user of {email} was made: {taken.failure}; and it could not be looked for: "
            f"{failure}. Call again with the same e-mail, which resumes it if it was",
            applied=None,
        ) from failure
    if holder is not None:
        return holder
    if taken.certain:
        raise _HolderUnseen
    raise taken.failure from None


def _take_over(auth: Auth, person: Person[Created], holder: AuthUserFacts) -> Operation[Created]:
    """Report, resume or remove the auth user that has the e-mail already."""
    if holder.user_id is None:
        raise EmailTaken(
            f"{person.email} belongs to somebody's linked identity; use another e-mail, or unlink it in the auth service",
            email=person.email,
        )
    user_id = holder.user_id
    if person.is_complete(holder):
        reported: Created = yield person.write(user_id, None)
        return reported
    if person.is_half_made(holder):
        claim = Claim(person.mark, uuid4())
        resumed: Created = yield InTransaction("resume", lambda: _resuming(auth, person, user_id, claim))
        return resumed
    if holder.was_deleted and not holder.is_used:
        try:
            yield from _finish_deletion(auth, user_id)
        except TripwireError as failure:
            raise AuthFailed(
                f"{person.email} belonged to a student whose deletion was not finished, and the auth user {user_id} could "
                f"not be removed now ({failure}); call again",
                applied=False,
            ) from failure
        raise AuthUserChanged
    raise EmailTaken(
        f"{person.email} belongs to an auth user that is not one of ours to complete; use another e-mail",
        email=person.email,
    )


def _resuming(auth: Auth, person: Person[Created], user_id: UUID, claim: Claim) -> Operation[Created]:
    """Give a half-made auth user what this call was given, then its rows.

    A look and an HTTP call are not atomic, so all is done under the lock: a slower call that still held another password
    would set it after this one has told its caller that the student is created. The claim is for the call that made the
    auth user, and may be about to write its rows: it finds the token changed.
    """
    yield lock_auth_user(user_id=user_id)
    facts: AuthUserFacts | None = yield find_by_id(user_id=user_id)
    if facts is None or not person.is_half_made(facts):
        raise AuthUserChanged
    # Without a password nobody is to know one, that of an earlier call included.
    password = person.password if person.password is not None else secrets.token_urlsafe(32)
    token: UUID = yield AuthCall(
        lambda: set_claimed(auth, id=user_id, password=password, full_name=person.full_name, claim=claim)
    )
    return (yield person.write(user_id, token))  # type: ignore[no-any-return]


def _complete(auth: Auth, person: Person[Created], user_id: UUID) -> Operation[Created]:
    """Write the rows of the auth user that this very call made; remove it again where that fails."""
    flow = person.write(user_id, user_id)
    try:
        return (yield flow)  # type: ignore[no-any-return]
    except AuthUserGone:
        unseen = AuthFailed(
            f"the auth user of {person.email} was made, and the database does not show it, so it was removed again: "
            f"{_CHECK_PROJECT}",
            applied=False,
        )
        if (yield from _undo(auth, user_id, person.email, unseen)) is _Undone.REMOVED:
            raise unseen from None
        raise
    except ConstraintViolated as failure:
        yield from _undo(auth, user_id, person.email, failure)
        if failure.constraint in _AUTH_USER_KEYS:
            raise AuthUserChanged from failure
        raise
    except NotReplicated:
        raise  # the rows are there, and no look at them can tell whether they will be after a failover
    except TripwireError as failure:
        return (yield from _settle(auth, flow, user_id, person.email, failure))


def _settle(auth: Auth, flow: Flow[Created], user_id: UUID, email: str, failure: TripwireError) -> Operation[Created]:
    """After a statement that failed or was lost: remove the auth user; or, where the rows are there after all, report them.

    They are there where the statement took effect unheard, or another call completed what this one began. Then it is run
    once more, and writes nothing.
    """
    undone = yield from _undo(auth, user_id, email, failure)
    if not isinstance(failure, Unavailable):
        raise failure
    if undone is not _Undone.KEPT:
        # Whatever of the statement is still under way finds no auth user to write rows for.
        raise Unavailable(
            f"nothing was written, and the auth user was removed again, so calling again is safe, after this: {failure}",
            applied=False,
        ) from failure
    try:
        created: Created = yield flow
    except Unavailable as unreported:
        if failure.applied is False:
            raise
        raise Unavailable(
            f"{email}: everything was written, and calling again reports it; what failed is the report: {unreported}",
            applied=True,
        ) from unreported
    return created


def _undo(auth: Auth, user_id: UUID, email: str, failure: TripwireError) -> Operation[_Undone]:
    """Remove the auth user that this very call made, unless somebody has completed it meanwhile; tell what became of it."""
    try:
        undone: _Undone = yield InTransaction("compensate", lambda: _compensating(auth, user_id))
    except TripwireError as left:
        raise CompensationFailed(user_id, email, failure) from left
    return undone


def _compensating(auth: Auth, user_id: UUID) -> Operation[_Undone]:
    yield lock_auth_user(user_id=user_id)
    if (yield schema_is_there()):
        return (yield from _remove_unused(auth, user_id))
    removed: bool = yield AuthCall(lambda: auth.delete_user(user_id))
    return _Undone.REMOVED if removed else _Undone.MISSING


def _finishing(auth: Auth, user_id: UUID) -> Operation[_Undone]:
    yield lock_auth_user(user_id=user_id)
    return (yield from _remove_unused(auth, user_id))


def _remove_unused(auth: Auth, user_id: UUID) -> Operation[_Undone]:
    """Remove an auth user that nobody has completed.

    A check and an HTTP call are not atomic: hence the lock that creation takes too, then this fresh look, then the deletion.
    """
    if (yield is_used(user_id=user_id)):
        return _Undone.KEPT
    removed: bool = yield AuthCall(lambda: auth.delete_user(user_id))
    return _Undone.REMOVED if removed else _Undone.MISSING


def delete_person(services: Services, rows: Flow[DeletedStudent]) -> Operation[DeletedStudent]:
    """Delete a student's rows by this flow, then the auth user, under the lock; called again it finishes what is left."""
    deleted: DeletedStudent = yield rows
    try:
        yield from _finish_deletion(services.auth, deleted.user_id)
    except TripwireError as failure:
        raise AuthFailed(
            f"the rows of student {deleted.user_id} are deleted, their auth user may still be there ({failure}); "
            "call again to finish",
            applied=failure.applied if isinstance(failure, (AuthFailed, Unavailable)) else False,
        ) from failure
    return deleted


def _finish_deletion(auth: Auth, user_id: UUID) -> Operation[None]:
    """Remove what the deletion of a student leaves, its auth user, unless that has been enrolled again since."""
    yield InTransaction("finish_deletion", lambda: _finishing(auth, user_id))
