"""`tripwire-db certificate`: issue, verify, revoke."""

from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND

if TYPE_CHECKING:
    from tripwire_db.results import Certificate

app = typer.Typer(no_args_is_help=True, help="Issue, verify and revoke certificates.")

Code = Annotated[str, typer.Argument(metavar="CODE", help="The verification code that stands on the certificate.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever checks the code; 1–2000 characters.")]
Actor = Annotated[
    str | None,
    typer.Option("--manager", metavar="MANAGER", help="Who acts (id or e-mail); else whoever sold the student."),
]


@app.command()
def issue(
    student: options.StudentArgument, database_url: options.DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Issue the certificate of a student who has completed the three modules; one issued before is shown."""
    with targets.backend(database_url) as backend:
        certificate = backend.repository.issue_certificate(user_id=backend.student_id(student))
    title = "Issued" if certificate.newly_issued else "Was issued already"
    _show(certificate, title, as_json=as_json)


@app.command()
def verify(code: Code, database_url: options.DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Tell whether a verification code stands, was revoked and why, or is unknown.

    The exit code is 1 for a certificate that is not valid.
    """
    with targets.backend(database_url) as backend:
        found = backend.repository.verify_certificate(code=code)
    if as_json:
        output.show_json(found)
    elif found.status == "unknown":
        output.say("Unknown: no certificate has this code.")
    else:
        facts: dict[str, object] = {"Number": found.number, "Name": found.full_name, "Issued": found.issued_at}
        if found.revoked:
            facts |= {"Revoked": found.revoked_at, "Reason": found.revoked_reason}
        output.show(output.pairs(found.status.capitalize(), facts))
    if not found.valid:
        raise typer.Exit(FOUND)


@app.command()
def revoke(
    student: options.StudentArgument,
    reason: Reason,
    manager: Actor = None,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Take a student's certificate back; its code then says why."""
    with targets.backend(database_url) as backend:
        certificate = backend.repository.revoke_certificate(
            user_id=backend.student_id(student),
            reason=reason,
            manager_id=backend.given_manager_id(manager),
        )
    _show(certificate, "Revoked", as_json=as_json)


def _show(certificate: "Certificate", title: str, *, as_json: bool) -> None:
    if as_json:
        output.show_json(certificate)
        return
    facts: dict[str, object] = {
        "Number": certificate.number,
        "Name": certificate.full_name,
        "Code": certificate.verification_code,
        "Link": certificate.url,
        "Issued": certificate.issued_at,
    }
    if certificate.revoked_at is not None:
        facts |= {"Revoked": certificate.revoked_at, "Reason": certificate.revoked_reason}
    output.show(output.pairs(title, facts))
