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

No message carries a password, a key, a token or the values of a row.
"""

from uuid import UUID


class TripwireError(Exception):
    """The root: whatever this package raises on purpose is one of these."""


class InvalidInput(TripwireError, ValueError):
    """An argument is empty, of the wrong type, too large or out of range; nothing was written."""


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
    """The lesson's module is not unlocked for this student; complete the lesson before it first."""


class VideoNotQualified(Refused):
    """Less than the threshold (80 %) of the lesson's video has been watched; go on watching."""


class StudentNotActive(Refused):
    """The student is blocked or inactive; a manager can change that with `set_student_status`."""


class NotEligible(Refused):
    """Modules are missing for what was asked; complete them first."""


class Conflict(TripwireError):
    """Something else already holds what was asked for."""


class EmailTaken(Conflict):
    """The e-mail belongs to another manager's student, to another role, or to an auth user that is not ours."""


class ConstraintViolated(TripwireError):
    """The database refused a step of a flow, so the whole flow was undone.

    Attributes:
        flow: the flow's name, as in `create_tripwire_user`.
        step: the step (the name of its CTE) that writes the table, or None where the server did not say.
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
        table: str | None,
        constraint: str | None,
        column: str | None,
        sqlstate: str,
        reason: str = "",
    ) -> None:
        self.flow = flow
        self.step = step
        self.table = table
        self.constraint = constraint
        self.column = column
        self.sqlstate = sqlstate
        refuser = constraint or (f"{table}.{column}" if table and column else f"SQLSTATE {sqlstate}")
        where = f"step {step} refused" if step else "refused"
        super().__init__(
            f"{flow}: {where} by {refuser}"
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
    """The database refused the student, and the auth user made for it could not be removed again.

    Calling again with the same e-mail resumes it; `tripwire-db doctor` lists it.

    Attributes:
        auth_user_id: the auth user left behind.
        cause: why the database refused in the first place.
    """

    def __init__(self, auth_user_id: UUID, email: str, cause: BaseException) -> None:
        self.auth_user_id = auth_user_id
        self.cause = cause
        super().__init__(
            f"the auth user {auth_user_id} ({email}) was left behind: its rows were not written ({cause}) and "
            "removing it failed; call again with the same e-mail to resume, or run `tripwire-db doctor`"
        )
