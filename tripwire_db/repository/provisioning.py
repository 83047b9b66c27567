"""What makes and removes people, auth user and rows together: their arguments checked, and the steps begun."""

from decimal import Decimal
from uuid import UUID

from tripwire_db.auth import Mark
from tripwire_db.choices import MANAGER_ROLES, ManagerRole
from tripwire_db.flows.create_manager import NewManager
from tripwire_db.flows.create_manager import create_manager as write_manager
from tripwire_db.flows.create_tripwire_user import NewStudent
from tripwire_db.flows.create_tripwire_user import create_tripwire_user as write_student
from tripwire_db.flows.delete_student import delete_student as delete_rows
from tripwire_db.repository.auth_users import Person, create_person, delete_person
from tripwire_db.repository.operation import Operation, Services
from tripwire_db.results import CreatedManager, CreatedStudent, DeletedStudent
from tripwire_db.tables import DEFAULT_PRICE
from tripwire_db.validation import (
    parse_choice,
    parse_email,
    parse_name,
    parse_password,
    parse_price,
    parse_uuid,
)


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
    Calling again after any crash, at any point, ends in exactly one complete student: half of one is resumed, with the
    password and the name that this call was given, and one whom the same manager has already is returned with `created`
    False, their password untouched. An id that was deleted never comes back: what is left of it is removed first.

    Args:
        email: taken in any case, stored in lower case.
        full_name: 1–300 characters.
        manager_id: who sells: a user with the role sales_manager or admin.
        password: for the auth user, at most 72 bytes; None for an account without one.
        price: in KZT, ≥ 0; by default 5000.

    Raises:
        InvalidInput: an argument that cannot be right.
        NotFound: no such manager.
        EmailTaken: another manager's student, another role, an auth user that is not ours, or a linked identity has the
            e-mail.
        AuthFailed: the auth service did not make the auth user.
        CompensationFailed: the database refused, and the auth user could not be removed again.
        ConstraintViolated, Unavailable: the database refused, or could not be reached.

    Examples:
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
    return create_person(
        services,
        Person(
            new.email,
            new.full_name,
            parse_password(password),
            Mark.STUDENT,
            is_complete=lambda facts: facts.is_student,
            write=lambda user_id, token: write_student(services.context, user_id=user_id, token=token, new=new),
        ),
    )


def create_manager(
    services: Services,
    *,
    email: str,
    full_name: str,
    password: str | None = None,
    role: ManagerRole = "sales_manager",
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

    Examples:
        >>> repository.create_manager(email="dana@example.com", full_name="Dana K.").role
        'sales_manager'
    """
    new = NewManager(
        email=parse_email("email", email),
        full_name=parse_name("full_name", full_name),
        role=parse_choice("role", role, MANAGER_ROLES),
    )
    return create_person(
        services,
        Person(
            new.email,
            new.full_name,
            parse_password(password),
            Mark.MANAGER,
            is_complete=lambda facts: facts.role == new.role,
            write=lambda user_id, token: write_manager(services.context, user_id=user_id, token=token, new=new),
        ),
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

    Examples:
        >>> repository.delete_student(user_id=student.user_id, manager_id=manager.user_id).deleted
        True
    """
    rows = delete_rows(services.context, user_id=user_id, manager_id=manager_id)
    return delete_person(services, rows)
