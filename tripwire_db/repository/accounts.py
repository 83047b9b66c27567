"""Changes of a student that the auth service keeps, too: name and e-mail, and the password.

The auth user is changed under the advisory lock on its id, so that two changes of one student come one after the other in
both places; its rows are not locked while the auth service is waited for.
"""

from decimal import Decimal
from uuid import UUID, uuid4

from tripwire_db.auth import Auth, EmailExists
from tripwire_db.engine.driver_errors import NotReplicated
from tripwire_db.engine.statement import Flow
from tripwire_db.errors import (
    CompensationFailed,
    ConstraintViolated,
    EmailTaken,
    InvalidInput,
    TripwireError,
    Unavailable,
)
from tripwire_db.flows.correct_student import Account, Correction, find_account, find_correctable
from tripwire_db.flows.correct_student import correct_student as correct_rows
from tripwire_db.flows.reset_password import reset_password as log_reset
from tripwire_db.flows.shared.auth_user import AuthUserFacts, find_by_email, lock_auth_user
from tripwire_db.repository.operation import AuthCall, InTransaction, Operation, Services
from tripwire_db.results import PasswordReset, Student
from tripwire_db.validation import parse_email, parse_name, parse_password, parse_price, parse_uuid

# The unique constraints that fail where somebody takes the e-mail while it is being written.
_EMAIL_KEYS = {"uq_users_email", "uq_tripwire_users_email"}


def correct_student(
    services: Services,
    *,
    user_id: UUID | str,
    manager_id: UUID | str,
    full_name: str | None = None,
    email: str | None = None,
    price: Decimal | float | str | None = None,
) -> Flow[Student] | Operation[Student]:
    """Correct a student: the auth user first, then the rows; put back in the auth service where the rows are refused.

    A correction of the price alone is one flow, and needs no auth service.
    """
    correction = Correction(
        user_id=parse_uuid("user_id", user_id),
        manager_id=parse_uuid("manager_id", manager_id),
        full_name=None if full_name is None else parse_name("full_name", full_name),
        email=None if email is None else parse_email("email", email),
        price=parse_price(price),
    )
    rows = correct_rows(services.context, correction=correction)
    if correction.full_name is None and correction.email is None:
        return rows
    return _Correcting(services.auth, correction, rows).steps()


class _Correcting:
    """One correction under way.

    Attributes:
        before: what the rows said when this call first looked.
        touched: whether the auth user has been changed.
    """

    def __init__(self, auth: Auth, correction: Correction, rows: Flow[Student]) -> None:
        self.auth = auth
        self.correction = correction
        self.rows = rows
        self.before: Account | None = None
        self.touched = False

    def steps(self) -> Operation[Student]:
        try:
            corrected: Student = yield InTransaction("correct_student", self._correct)
        except NotReplicated:
            raise  # the rows are there, and no look at them can tell whether they will be after a failover
        except TripwireError as failure:
            if not self.touched:
                raise
            return (yield from self._settle(failure))
        return corrected

    def _correct(self) -> Operation[Student]:
        yield lock_auth_user(user_id=self.correction.user_id)
        found: Account = yield find_correctable(correction=self.correction)
        self.before = self.before or found
        yield from self._change_auth_user()
        self.touched = True
        return (yield self.rows)  # type: ignore[no-any-return]

    def _change_auth_user(self) -> Operation[None]:
        asked = self.correction
        try:
            yield AuthCall(
                lambda: self.auth.update_user(id=asked.user_id, full_name=asked.full_name, email=asked.email)
            )
        except EmailExists as taken:
            yield from self._settle_email(taken)

    def _settle_email(self, taken: EmailExists) -> Operation[None]:
        """Go on where the e-mail is this very student's: the answer to the change was lost."""
        if self.correction.email is None:
            raise taken.failure from None
        holder: AuthUserFacts | None = yield find_by_email(email=self.correction.email)
        if holder is not None and holder.user_id == self.correction.user_id:
            return
        if holder is not None or taken.certain:
            raise self._email_taken()
        raise taken.failure from None

    def _email_taken(self) -> EmailTaken:
        email = self.correction.email
        return EmailTaken(f"{email} belongs to somebody else; use another e-mail", email=email)

    def _settle(self, failure: TripwireError) -> Operation[Student]:
        """After rows that were refused or lost: give the auth user what the rows say; or, where they took effect, report them."""
        try:
            settled: Student | Account | None = yield InTransaction(
                "undo_correction", lambda: self._undo(may_be_done=isinstance(failure, Unavailable))
            )
        except TripwireError as left:
            told = self.correction.email or f"the name of student {self.correction.user_id}"
            raise CompensationFailed(self.correction.user_id, told, failure, of_correction=True) from left
        if isinstance(failure, ConstraintViolated) and failure.constraint in _EMAIL_KEYS:
            raise self._email_taken() from failure
        if not isinstance(failure, Unavailable):
            raise failure
        if isinstance(settled, Student):
            return settled
        if settled == self.before:
            raise Unavailable(
                f"nothing was written, and the auth user was put back, so calling again is safe, after this: {failure}",
                applied=False,
            ) from failure
        raise Unavailable(
            f"another call has changed the student since, and the auth user has what the rows say; look, and call again "
            f"if need be, after this: {failure}",
            applied=failure.applied,
        ) from failure

    def _undo(self, *, may_be_done: bool) -> Operation[Student | Account | None]:
        """Give the auth user what the rows say now: what they said before, or what this call or another has written.

        Where that is what this call asked for, it is reported, still under the lock: a later correction must not be undone.
        """
        user_id = self.correction.user_id
        yield lock_auth_user(user_id=user_id)
        account: Account | None = yield find_account(user_id=user_id)
        if account is None:  # the student is being deleted, and the auth user goes with them
            return None
        full_name = None if self.correction.full_name is None else account.full_name
        email = None if self.correction.email is None else account.email
        try:
            yield AuthCall(lambda: self.auth.update_user(id=user_id, full_name=full_name, email=email))
        except EmailExists as taken:
            raise taken.failure from None
        return (yield self.rows) if may_be_done and self._is_as_asked(account) else account

    def _is_as_asked(self, account: Account) -> bool:
        asked = self.correction
        return asked.full_name in {None, account.full_name} and asked.email in {None, account.email}


def reset_password(
    services: Services, *, user_id: UUID | str, password: str, manager_id: UUID | str
) -> Operation[PasswordReset]:
    """Set a student's password in the auth service, and log it.

    A password cannot be put back, since nobody knows the old one: so the log's row is written first, and committed only
    when the auth service has set the password.
    """
    asked_id, asked_password = parse_uuid("user_id", user_id), parse_password(password)
    if asked_password is None:
        raise InvalidInput("password must be a string that is not empty", argument="password")
    log = log_reset(
        services.context,
        user_id=asked_id,
        manager_id=parse_uuid("manager_id", manager_id),
        activity_id=uuid4(),
    )
    return _reset(services.auth, asked_id, asked_password, log)


def _reset(auth: Auth, user_id: UUID, password: str, log: Flow[PasswordReset]) -> Operation[PasswordReset]:
    was_set = False

    def steps() -> Operation[PasswordReset]:
        nonlocal was_set
        yield lock_auth_user(user_id=user_id)
        reset: PasswordReset = yield log
        try:
            yield AuthCall(lambda: auth.update_user(id=user_id, password=password))
        except EmailExists as failed:
            raise failed.failure from None
        was_set = True
        return reset

    try:
        reset: PasswordReset = yield InTransaction("reset_password", steps)
    except NotReplicated:
        raise
    except Unavailable as failure:
        if not was_set:
            raise
        raise Unavailable(
            f"the password of student {user_id} was set, and may not be logged; call again, after this: {failure}",
            applied=None,
        ) from failure
    return reset
