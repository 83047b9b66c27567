"""`tripwire-db student correct`, `reassign`, `password`: what a student's account says, and whose student they are."""

from typing import Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.people.passwords import read_password
from tripwire_db.errors import InvalidInput

Actor = Annotated[
    str,
    typer.Option(
        "--manager", metavar="MANAGER", help="Who does it: id or e-mail of the student's seller, or an admin."
    ),
]
Admin = Annotated[str, typer.Option("--manager", metavar="ADMIN", help="Who does it: id or e-mail of an admin.")]


def correct(
    student: options.StudentArgument,
    manager: Actor,
    full_name: Annotated[str | None, typer.Option("--full-name", help="The right name.")] = None,
    email: Annotated[str | None, typer.Option("--email", help="The right e-mail, in any case.")] = None,
    price: Annotated[str | None, typer.Option("--price", metavar="KZT", help="The right price.")] = None,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Correct a student's name, e-mail or price, auth user too; certificates keep the name of their day."""
    if full_name is None and email is None and price is None:
        raise InvalidInput("say what to correct: --full-name, --email or --price")
    with targets.backend(database_url) as backend:
        found = backend.repository.correct_student(
            user_id=backend.student_id(student),
            manager_id=backend.manager_id(manager),
            full_name=full_name,
            email=email,
            price=price,
        )
    if as_json:
        output.show_json(found)
        return
    facts = {"Id": found.user_id, "E-mail": found.email, "Name": found.full_name}
    output.show(output.pairs("The student is now", {**facts, "Price": f"{output.money(found.price)} KZT"}))


def reassign(
    seller: Annotated[str, typer.Option("--from", metavar="MANAGER", help="Whose students they are: id or e-mail.")],
    successor: Annotated[str, typer.Option("--to", metavar="MANAGER", help="Whose they become: id or e-mail.")],
    manager: Admin,
    students: Annotated[
        list[str] | None, typer.Argument(metavar="[STUDENT]...", help="Only these, by id or e-mail; without any: all.")
    ] = None,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Give students to another seller, with their sales, as where a manager leaves."""
    with targets.backend(database_url) as backend:
        done = backend.repository.reassign_students(
            from_manager_id=backend.manager_id(seller),
            to_manager_id=backend.manager_id(successor),
            manager_id=backend.manager_id(manager),
            user_ids=[backend.student_id(student) for student in students] if students else None,
        )
    if as_json:
        output.show_json(done)
        return
    number = len(done.user_ids)
    who = f"{output.clean(seller)} to {output.clean(successor)}"
    output.say(f"{number} student{'' if number == 1 else 's'} passed from {who}.")


def password(
    student: options.StudentArgument,
    manager: Actor,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read it from standard input; on a terminal it is asked for.")
    ] = False,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Set a student's password, which comes by standard input and is never shown."""
    if not password_stdin:
        raise InvalidInput("give the password by standard input, with --password-stdin")
    chosen = read_password(wanted=True)
    assert chosen is not None  # noqa: S101 - for mypy: it was wanted
    with targets.backend(database_url) as backend:
        reset = backend.repository.reset_password(
            user_id=backend.student_id(student), password=chosen, manager_id=backend.manager_id(manager)
        )
    if as_json:
        output.show_json(reset)
    else:
        output.say(f"{output.clean(student)} has a new password.")
