"""What makes and removes people, auth user and rows together: more than one flow, with calls of the auth service between.

An operation is a generator without I/O. It yields what it wants done,
a `Flow`, an `AuthCall` or an `InTransaction`, and is sent the result or thrown the error; the sync and the async
repository drive the same ones.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID, uuid4

from tripwire_db.auth import Auth, EmailExists, Mark
from tripwire_db.engine.statement import Flow
from tripwire_db.errors import (
    AuthFailed,
    CompensationFailed,
    ConstraintViolated,
    EmailTaken,
    TripwireError,
    Unavailable,
)
from tripwire_db.flows.create_manager import NewManager
from tripwire_db.flows.create_manager import create_manager as write_manager
from tripwire_db.flows.create_tripwire_user import NewStudent
from tripwire_db.flows.create_tripwire_user import create_tripwire_user as write_student
from tripwire_db.flows.delete_student import delete_student as delete_rows
from tripwire_db.flows.shared.auth_user import AuthUserGone, EmailHolder, find_email_holder, is_used, lock_auth_user
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.results import CreatedManager, CreatedStudent, DeletedStudent
from tripwire_db.tables import DEFAULT_PRICE, ROLES
from tripwire_db.validation import (
    parse_choice,
    parse_email,
    parse_name,
    parse_password,
    parse_price,
    parse_uuid,
)

T = TypeVar("T")
Created = TypeVar("Created", CreatedStudent, CreatedManager)

MANAGER_ROLES = tuple(role for role in ROLES if role != "student")

_MAX_RESTARTS = 20
# The foreign keys that fail where an auth user goes while its rows are being written.
_AUTH_USER_KEYS = {"fk_users_id", "fk_tripwire_users_user_id"}


@dataclass(frozen=True, slots=True)
class AuthCall:
    """A call of the auth service, to be made without holding anything."""

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class InTransaction:
    """Steps to be done in one transaction, the only one that may be open while the network is waited for.

    `begin` makes the steps anew for each attempt; `name` tells them in logs and errors.
    """

    name: str
    begin: "Callable[[], Operation[Any]]"


Wanted = Flow[Any] | AuthCall | InTransaction
Operation = Generator[Wanted, Any, T]


@dataclass(frozen=True, slots=True)
class Services:
    """What operations work with: the course's terms, and the auth service."""

    context: FlowContext
    auth: Auth


def create_tripwire_user(
    services: Services,
    *,
    email: str,
    full_name: str,
    manager_id: UUID | str,
    password: str | None = None,
    price: Decimal | float | str | None = None,
) -> Operation[CreatedStudent]:
    """Create a student, complete across auth and nine tables, or not at all.

    Step 1 is the auth user; steps 2 to 10 are one statement. Where the database refuses, the auth user is removed again.
    Calling again after any crash, at any point, ends in exactly one complete student: half of one is resumed, and one
    whom the same manager has already is returned with `created` False.

    Args:
        email: taken in any case, stored in lower case.
        full_name: 1–300 characters.
        manager_id: who sells: a user with the role sales_manager or admin.
        password: for the auth user, at most 72 bytes; None for an account without one.
        price: in KZT, ≥ 0; by default 5000.

    Raises:
        InvalidInput: an argument that cannot be right.
        NotFound: no such manager.
        EmailTaken: another manager's student, another role, or an auth user that is not ours has the e-mail.
        AuthFailed: the auth service did not make the auth user.
        CompensationFailed: the database refused, and the auth user could not be removed again.
        ConstraintViolated, Unavailable: the database refused, or could not be reached.

    Example:
        >>> student = repository.create_tripwire_user(
        ...     email="aigerim@example.com", full_name="Aigerim S.", manager_id=manager.user_id
        ... )
        >>> student.price, student.created
        (Decimal('5000'), True)
    """
    asked_price = parse_price(price)
    new = NewStudent(
        email=parse_email("email", email),
        full_name=parse_name("full_name", full_name),
        manager_id=parse_uuid("manager_id", manager_id),
        price=DEFAULT_PRICE if asked_price is None else asked_price,
    )
    checked_password = parse_password(password)
    return _creating(
        services,
        new,
        checked_password,
        Mark.STUDENT,
        is_ours=lambda holder: holder.is_student,
        write=lambda user_id: write_student(services.context, user_id=user_id, new=new),
    )


def create_manager(
    services: Services,
    *,
    email: str,
    full_name: str,
    password: str | None = None,
    role: str = "sales_manager",
) -> Operation[CreatedManager]:
    """Create a manager: auth user and users row. One who is there with the same role is returned, `created` False.

    Args:
        email: taken in any case, stored in lower case.
        full_name: 1–300 characters.
        password: for the auth user, at most 72 bytes; None for an account without one.
        role: sales_manager, admin, curator or tech_support.

    Raises:
        InvalidInput: an argument that cannot be right.
        EmailTaken: somebody with another role, or an auth user that is not ours, has the e-mail.
        AuthFailed, CompensationFailed, ConstraintViolated, Unavailable: as `create_tripwire_user`.

    Example:
        >>> repository.create_manager(email="dana@example.com", full_name="Dana K.").role
        'sales_manager'
    """
    new = NewManager(
        email=parse_email("email", email),
        full_name=parse_name("full_name", full_name),
        role=parse_choice("role", role, MANAGER_ROLES),
    )
    return _creating(
        services,
        new,
        parse_password(password),
        Mark.MANAGER,
        is_ours=lambda holder: holder.role == new.role,
        write=lambda user_id: write_manager(services.context, user_id=user_id, new=new),
    )


def delete_student(services: Services, *, user_id: UUID | str, manager_id: UUID | str) -> Operation[DeletedStudent]:
    """Delete a student: every row, certificates too, then the auth user; the log stays.

    Called again it finishes what is left, or returns the same with `deleted` False.

    Args:
        user_id: the student.
        manager_id: who does it; a user of any role but student.

    Raises:
        InvalidInput: an id of the wrong type.
        NotFound: no such student ever, or no such manager.
        Refused: the person is more than a student.
        AuthFailed: the rows are gone, the auth user is not; call again to finish.

    Example:
        >>> repository.delete_student(user_id=student.user_id, manager_id=manager.user_id).deleted
        True
    """
    rows = delete_rows(services.context, user_id=user_id, manager_id=manager_id)
    return _deleting(services, rows)


def _deleting(services: Services, rows: Flow[DeletedStudent]) -> Operation[DeletedStudent]:
    deleted: DeletedStudent = yield rows
    try:
        yield AuthCall(lambda: services.auth.delete_user(deleted.user_id))
    except AuthFailed as failure:
        raise AuthFailed(
            f"the rows of student {deleted.user_id} are deleted, their auth user may still be there ({failure}); "
            "call again to finish",
            applied=failure.applied,
        ) from failure
    return deleted


def _creating(
    services: Services,
    new: NewStudent | NewManager,
    password: str | None,
    mark: Mark,
    *,
    is_ours: Callable[[EmailHolder], bool],
    write: Callable[[UUID], Flow[Created]],
) -> Operation[Created]:
    """Auth user, then rows. Where another call's compensation removes the auth user in between, begin again."""
    services.context.now()  # a clock that cannot tell the time says so before anything is made
    for _ in range(_MAX_RESTARTS):
        user_id, made_here = yield from _auth_user(services.auth, new, password, mark, is_ours)
        if user_id is None:
            continue
        try:
            created: Created = yield write(user_id)
        except AuthUserGone:
            continue
        except ConstraintViolated as failure:
            if failure.constraint in _AUTH_USER_KEYS and not made_here:
                continue
            if not made_here:
                raise
            yield from _undo(services.auth, user_id, new.email, failure)
            raise
        except TripwireError as failure:
            if not made_here:
                raise
            created = yield from _settled(services.auth, write(user_id), user_id, new.email, failure)
        return created
    raise Unavailable(
        f"{new.email}: other calls made and removed the same user {_MAX_RESTARTS} times meanwhile; call again",
        applied=False,
    )


def _settled(auth: Auth, flow: Flow[Created], user_id: UUID, email: str, failure: TripwireError) -> Operation[Created]:
    """After a statement that failed or was lost: remove the auth user; or, where the rows are there after all, report them.

    They are there where the statement took effect unheard, or another call completed what this one began. Then it is run
    once more, and writes nothing.
    """
    kept = yield from _undo(auth, user_id, email, failure)
    if not isinstance(failure, Unavailable):
        raise failure
    if not kept:
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


def _auth_user(
    auth: Auth,
    new: NewStudent | NewManager,
    password: str | None,
    mark: Mark,
    is_ours: Callable[[EmailHolder], bool],
) -> Generator[Wanted, Any, tuple[UUID | None, bool]]:
    """The auth user to write rows for, and whether this call made it; None where one vanished and it is worth retrying."""
    user_id = uuid4()
    try:
        yield AuthCall(
            lambda: auth.create_user(id=user_id, email=new.email, password=password, full_name=new.full_name, mark=mark)
        )
    except EmailExists as taken:
        holder: EmailHolder | None = yield find_email_holder(email=new.email)
        if holder is None:
            if taken.certain:
                return None, False
            raise taken.failure from None
        if holder.user_id == user_id:
            # Made by this very call, whose answer was lost.
            return user_id, True
        half_made = Mark.read(holder.app_metadata) is mark and holder.role in (None, "student")
        if is_ours(holder) or (half_made and not holder.is_student):
            return holder.user_id, False
        raise EmailTaken(
            f"{new.email} belongs to an auth user that is not one of ours to complete; use another e-mail"
        ) from None
    return user_id, True


def _undo(auth: Auth, user_id: UUID, email: str, failure: TripwireError) -> Generator[Wanted, Any, bool]:
    """Remove the auth user that this very call made, unless somebody has completed it meanwhile; tell if it stays."""
    try:
        kept: bool = yield InTransaction("compensate", lambda: _compensating(auth, user_id))
    except TripwireError as left:
        raise CompensationFailed(user_id, email, failure) from left
    return kept


def _compensating(auth: Auth, user_id: UUID) -> Operation[bool]:
    # A check and an HTTP call are not atomic: so the lock that creation takes too, then a fresh look, then the deletion.
    yield lock_auth_user(user_id=user_id)
    if (yield is_used(user_id=user_id)):
        return True
    yield AuthCall(lambda: auth.delete_user(user_id))
    return False
