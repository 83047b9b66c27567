"""`tripwire-db manager`: those who sell."""

from typing import Annotated

import typer

from tripwire_db.choices import MANAGER_ROLES
from tripwire_db.cli import options, output, targets
from tripwire_db.cli.people.passwords import read_password
from tripwire_db.validation import parse_choice

app = typer.Typer(no_args_is_help=True, help="Make managers.")

FullName = Annotated[str, typer.Option("--full-name", help="1–300 characters.")]
Role = Annotated[str, typer.Option("--role", help="sales_manager, admin, curator or tech_support.")]


@app.command()
def create(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Taken in any case, stored in lower case.")],
    full_name: FullName,
    role: Role = "sales_manager",
    password_stdin: options.PasswordStdin = False,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Make a manager: auth user and users row; one who is there with this role is shown."""
    chosen = parse_choice("role", role, MANAGER_ROLES)
    password = read_password(password_stdin)
    with targets.backend(database_url) as backend:
        made = backend.repository.create_manager(email=email, full_name=full_name, password=password, role=chosen)
    if as_json:
        output.show_json(made)
        return
    facts = {"Id": made.user_id, "E-mail": made.email, "Name": made.full_name, "Role": made.role}
    output.show(output.pairs("Made a manager" if made.created else "Was there already", facts))
