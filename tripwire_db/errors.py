"""What can go wrong, as one tree of exceptions; each message says what to do next.

TripwireError
├── InvalidInput            an argument that cannot be right; nothing was sent
├── NotFound                no such student, lesson or manager
├── Refused                 the rules of the course say no
│   ├── ModuleLocked  ├── VideoNotQualified  ├── StudentNotActive  └── NotEligible
├── Conflict
│   └── EmailTaken
├── ConstraintViolated      the database refused a step
├── Unavailable             the database could not be reached in time, or too often in vain
├── AuthFailed              the auth service did not do it
└── CompensationFailed      an auth user was left behind

No message carries a password, a key, a token or the values of a row, nor characters that steer a terminal. What a program needs to tell people in their own
language stands in fields; each error can be pickled, as a pool of processes does.
"""

import re
from typing import Any
from uuid import UUID

from tripwire_db.choices import Status
from tripwire_db.safe_text import printable, without_passwords

_PAGE_OF_ANOTHER = re.compile(r" \(docs: errors/[a-z-]+\)")


class TripwireError(Exception):
    """The root: whatever this package raises on purpose is one of these.

    Attributes:
        page: the page of the documentation about this class, as in `errors/module-locked`; every message ends with it.
    """

    page: str = "errors/tripwire-error"

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if cls.__module__ == __name__:  # a kind of its own elsewhere is explained where its parent is
            cls.page = "errors/" + re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(self, *args: object) -> None:
        super().__init__(*(without_passwords(printable(part)) if isinstance(part, str) else part for part in args))

    def __str__(self) -> str:
        """The message, and the page that explains it. What another error says within it names no page of its own."""
        return f"{_PAGE_OF_ANOTHER.sub('', super().__str__())} (docs: {self.page})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle message and fields as they are, whatever arguments a class is made with."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[TripwireError], args: tuple[Any, ...], fields: dict[str, Any]) -> TripwireError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class InvalidInput(TripwireError, ValueError):
    """An argument is empty, of the wrong type, too large or out of range; nothing was written.

    Attributes:
        argument: the argument's name, as in `"email"`; None where it is not one argument's fault, or the server's word.
    """

    def __init__(self, message: str, *, argument: str | None = None) -> None:
        self.argument = argument
        super().__init__(message)


class NotFound(TripwireError, LookupError):
    """No such student, lesson or manager.

    Attributes:
        kind: `"student"`, `"lesson"`, `"module"`, `"manager"` or `"certificate"`.
        key: the id that was asked for.
    """

    def __init__(self, kind: str, key: object, advice: str = "") -> None:
        self.kind = kind
        self.key = key
        super().__init__(f"no {kind} {key}" + (f": {advice}" if advice else f"; check the {kind}'s id"))


class Refused(TripwireError):
    """The rules of the course do not allow it now; nothing was written."""


class ModuleLocked(Refused):
    """The lesson's module is not unlocked for this student; complete the lesson before it first.

    Attributes:
        user_id: the student.
        lesson_id: the lesson that was asked for.
        module_id: its module.
    """

    def __init__(self, *, user_id: UUID, lesson_id: int, module_id: int) -> None:
        self.user_id = user_id
        self.lesson_id = lesson_id
        self.module_id = module_id
        super().__init__(
            f"module {module_id} with lesson {lesson_id} is not unlocked for student {user_id}; "
            "complete the module before it"
        )


class VideoNotQualified(Refused):
    """Less than the threshold (80 %) of the lesson's video has been watched; go on watching.

    Attributes:
        user_id: the student.
        lesson_id: the lesson.
        percentage: what is counted as watched, floored, 0–100.
        needed: the percentage that the repository's policy asks for.
    """

    def __init__(self, *, user_id: UUID, lesson_id: int, percentage: int, needed: float) -> None:
        self.user_id = user_id
        self.lesson_id = lesson_id
        self.percentage = percentage
        self.needed = needed
        super().__init__(
            f"student {user_id} has not watched enough of lesson {lesson_id} ({percentage} % of the {needed:g} % needed); "
            "go on watching"
        )


class StudentNotActive(Refused):
    """The student is blocked or inactive; a manager can change that with `set_student_status`.

    Attributes:
        user_id: the student.
        status: `"blocked"` or `"inactive"`.
    """

    def __init__(self, *, user_id: UUID, status: Status) -> None:
        self.user_id = user_id
        self.status = status
        super().__init__(f"student {user_id} is {status}; a manager can change that with set_student_status")


class NotEligible(Refused):
    """Modules are missing for what was asked, or there are none left to open.

    Attributes:
        user_id: the student.
        modules_completed: how many modules they have completed, 0–3.
        needed: how many a certificate needs; None where no module is left to open.
    """

    def __init__(self, *, user_id: UUID, modules_completed: int, needed: int | None) -> None:
        self.user_id = user_id
        self.modules_completed = modules_completed
        self.needed = needed
        super().__init__(
            f"student {user_id} has completed the last module; there is none to open after it"
            if needed is None
            else f"student {user_id} has completed {modules_completed} of {needed} modules; a certificate needs all of them"
        )


class Conflict(TripwireError):
    """Something else already holds what was asked for."""


class EmailTaken(Conflict):
    """The e-mail belongs to another manager's student, to another role, or to an auth user that is not ours.

    Attributes:
        email: the e-mail, as it would be stored.
    """

    def __init__(self, message: str, *, email: str | None = None) -> None:
        self.email = email
        super().__init__(message)


class ConstraintViolated(TripwireError):
    """The database refused a step of a flow, so the whole flow was undone.

    Attributes:
        flow: the flow's name, as in `create_tripwire_user`.
        step: the step (the name of its CTE) that writes the table; None where the server did not say, or where the
            table is not of this package.
        schema: the table's schema: `public`, or an application's own, as of a foreign key that refers to our tables.
        table: the table's name.
        constraint: the constraint's name; None for NOT NULL on servers that do not name it.
        column: the column, where the server names one.
        sqlstate: five characters, as in `23514`.
    """

    def __init__(
        self,
        *,
        flow: str,
        step: str | None,
        schema: str | None,
        table: str | None,
        constraint: str | None,
        column: str | None,
        sqlstate: str,
        reason: str = "",
    ) -> None:
        self.flow = flow
        self.step = step
        self.schema = schema
        self.table = table
        self.constraint = constraint
        self.column = column
        self.sqlstate = sqlstate
        refuser = constraint or (f"{table}.{column}" if table and column else f"SQLSTATE {sqlstate}")
        where = f"step {step} refused" if step else "refused"
        of_table = f" of {schema}.{table}" if schema and table and not step else ""
        super().__init__(
            f"{flow}: {where} by {refuser}{of_table}"
            + (f" ({reason})" if reason else "")
            + "; nothing was written: correct the value and call again"
        )


class Unavailable(TripwireError):
    """The database did not answer, or not in time, and the retries are used up.

    Attributes:
        applied: True if the flow took effect all the same, False if it certainly did not, None where nobody can know.
            Calling again is safe in each case: every flow is idempotent.
    """

    def __init__(self, message: str, *, applied: bool | None) -> None:
        self.applied = applied
        super().__init__(message)


class AuthFailed(TripwireError):
    """The auth service refused, or could not be reached, and the user was not made (or removed).

    Attributes:
        applied: True if the auth service did it all the same, False if it did not, None where nobody can know.
    """

    def __init__(self, message: str, *, applied: bool | None = False) -> None:
        self.applied = applied
        super().__init__(message)


class CompensationFailed(TripwireError):
    """The database refused the rows, and what the auth service had done for them could not be undone.

    An auth user made for a student: calling again with the same e-mail resumes it. One whose name or e-mail was
    corrected: calling again corrects the rows, too. `tripwire-db doctor` lists the first, and e-mails that differ.

    Attributes:
        auth_user_id: the auth user left behind.
        cause: why the database refused in the first place.
    """

    def __init__(self, auth_user_id: UUID, email: str, cause: BaseException, *, of_correction: bool = False) -> None:
        self.auth_user_id = auth_user_id
        self.cause = cause
        super().__init__(
            f"the auth user {auth_user_id} ({email}) was corrected: its rows were not ({cause}), and putting it back "
            "failed; call again to correct both, or have `tripwire-db doctor` find an e-mail that differs"
            if of_correction
            else f"the auth user {auth_user_id} ({email}) was left behind: its rows were not written ({cause}) and "
            "removing it failed; call again with the same e-mail to resume, or run `tripwire-db doctor`"
        )
