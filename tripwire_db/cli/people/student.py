"""`tripwire-db student`: create, show, list, complete, unlock, status, delete; see `account`, too."""

import sys
from typing import Annotated

import typer

from tripwire_db.choices import STUDENT_STATUSES
from tripwire_db.cli import options, output, targets
from tripwire_db.cli.people import account, journey, student_import, student_list
from tripwire_db.cli.people.passwords import read_password
from tripwire_db.errors import InvalidInput
from tripwire_db.validation import parse_choice

app = typer.Typer(no_args_is_help=True, help="Create students, see how they do, help them on.")

Seller = Annotated[str, typer.Option("--manager", metavar="MANAGER", help="Who sells: id or e-mail of a manager.")]
Actor = Annotated[str, typer.Option("--manager", metavar="MANAGER", help="Who does it: id or e-mail of a manager.")]
Price = Annotated[str | None, typer.Option("--price", metavar="KZT", help="By default 5000.", show_default=False)]
NewStatus = Annotated[str, typer.Argument(metavar="STATUS", help="active, inactive, completed or blocked.")]


@app.command()
def create(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Taken in any case, stored in lower case.")],
    full_name: Annotated[str, typer.Option("--full-name", help="As it shall stand on the certificate.")],
    manager: Seller,
    price: Price = None,
    password_stdin: options.PasswordStdin = False,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Create a student, complete across auth and nine tables; one whom this manager has already is shown."""
    from tripwire_db.validation import parse_price

    password = read_password(password_stdin)
    with targets.backend(database_url) as backend:
        made = backend.repository.create_tripwire_user(
            email=email,
            full_name=full_name,
            manager_id=backend.manager_id(manager),
            password=password,
            price=parse_price(price),
        )
    if as_json:
        output.show_json(made)
        return
    facts = {
        "Id": made.user_id,
        "E-mail": made.email,
        "Name": made.full_name,
        "Price": f"{output.money(made.price)} KZT",
    }
    output.show(output.pairs("Created a student" if made.created else "Was there already", facts))


@app.command()
def show(
    student: options.StudentArgument, database_url: options.DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Show a student's journey: lessons, video, achievements, certificate."""
    with targets.backend(database_url) as backend:
        found = backend.repository.get_student(user_id=backend.student_id(student))
    if as_json:
        output.show_json(found)
    else:
        journey.show(found)


app.command("list")(student_list.list_)
app.command("import")(student_import.import_)


@app.command()
def complete(
    student: options.StudentArgument,
    lesson: Annotated[int, typer.Argument(metavar="LESSON", help="The lesson's id, as in 67.")],
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Complete a lesson of which 80 % has been watched; the next module opens, after the last the certificate comes."""
    with targets.backend(database_url) as backend:
        done = backend.repository.complete_lesson(user_id=backend.student_id(student), lesson_id=lesson)
    if as_json:
        output.show_json(done)
        return
    output.say(
        f"Lesson {done.lesson_id} {'was completed already' if done.already_completed else 'is completed'}: "
        f"{done.modules_completed} of 3 modules."
    )
    if done.unlocked_module_id is not None:
        output.say(f"Module {done.unlocked_module_id} is open.")
    if done.certificate is not None:
        output.say(f"Certificate {done.certificate.number}: {done.certificate.url}")


@app.command()
def unlock(
    student: options.StudentArgument, database_url: options.DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Open the module after the highest completed one, never more."""
    with targets.backend(database_url) as backend:
        opened = backend.repository.unlock_next_module(user_id=backend.student_id(student))
    if as_json:
        output.show_json(opened)
    else:
        was = "is open now" if opened.newly_unlocked else "was open already"
        output.say(f"Module {opened.module_id} (lesson {opened.lesson_id}) {was}.")


@app.command()
def status(
    student: options.StudentArgument,
    new_status: NewStatus,
    manager: Actor,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Set a student's status; progress and certificate stay."""
    chosen = parse_choice("status", new_status, STUDENT_STATUSES)
    with targets.backend(database_url) as backend:
        done = backend.repository.set_student_status(
            user_id=backend.student_id(student), status=chosen, manager_id=backend.manager_id(manager)
        )
    if as_json:
        output.show_json(done)
    else:
        output.say(f"{output.clean(student)} {'is' if done.changed else 'was already'} {done.status}.")


@app.command()
def delete(
    student: options.StudentArgument,
    manager: Actor,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Delete a student: every row, the certificates, the auth user. The log stays."""
    if not yes:
        if not sys.stdin.isatty():
            raise InvalidInput("deleting a student cannot be undone: say --yes where nobody can be asked")
        typer.confirm(f"Delete {output.clean(student)} with all rows and certificates?", abort=True, err=True)
    with targets.backend(database_url) as backend:
        gone = backend.repository.delete_student(
            user_id=backend.student_id(student), manager_id=backend.manager_id(manager)
        )
    if as_json:
        output.show_json(gone)
    else:
        who = gone.email or str(gone.user_id)
        output.say(f"{output.clean(who)} {'is deleted' if gone.deleted else 'was deleted before'}.")


for change in (account.correct, account.reassign, account.password):
    app.command()(change)
