"""What flows that issue certificates share: the step that inserts one, and the row read back."""

import secrets
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CTE, FromClause, and_, select

from tripwire_db.engine.statement import Row, StatementBuilder, into, param
from tripwire_db.flows.shared.context import FlowContext, details_of_person
from tripwire_db.results import Certificate
from tripwire_db.tables import certificates

COLUMNS = (
    certificates.c.id,
    certificates.c.user_id,
    certificates.c.number,
    certificates.c.verification_code,
    certificates.c.url,
    certificates.c.full_name,
    certificates.c.issued_at,
    certificates.c.revoked_at,
    certificates.c.revoked_reason,
)


def new_code(context: FlowContext) -> dict[str, str]:
    """Parameters for a certificate that may be issued: a code of 256 random bits, and the URL that ends with it."""
    code = secrets.token_hex(32)
    base = context.certificate_url
    # "https://…/verify?code=" is taken as it is; "https://…/certificates" lacks a slash.
    return {"verification_code": code, "certificate_url": base + ("/" if base[-1:].isalnum() else "") + code}


def issue(b: StatementBuilder, graduate: CTE) -> CTE:
    """Insert the certificate of each row of `graduate` (user_id, full_name, at), unless they hold a valid one."""
    return b.step(
        "issue_certificate",
        into(
            certificates,
            graduate,
            user_id=graduate.c.user_id,
            verification_code=param("verification_code"),
            url=param("certificate_url"),
            full_name=graduate.c.full_name,
            issued_at=graduate.c.at,
            created_at=graduate.c.at,
        )
        .on_conflict_do_nothing(
            index_elements=[certificates.c.user_id], index_where=certificates.c.revoked_at.is_(None)
        )
        .returning(*COLUMNS),
    )


def valid_certificate(b: StatementBuilder, student: CTE) -> CTE:
    """The certificate that a student holds, as of the statement's start."""
    return b.gate(
        "valid_certificate",
        select(*COLUMNS).join_from(
            student,
            certificates,
            and_(certificates.c.user_id == student.c.user_id, certificates.c.revoked_at.is_(None)),
        ),
    )


def reported(issued: FromClause, held: FromClause) -> list[Any]:
    """Columns of the report for the certificate that was issued, or else held already."""
    return [
        sa.func.coalesce(issued.c[column.name], held.c[column.name]).label(f"certificate_{column.name}")
        for column in COLUMNS
    ]


def certificate_of(row: Row, *, newly_issued: bool = False) -> Certificate | None:
    """The certificate in a report, if there is one."""
    if row.certificate_id is None:
        return None
    return Certificate(
        **{column.name: getattr(row, f"certificate_{column.name}") for column in COLUMNS},
        newly_issued=newly_issued,
    )


def details_of_certificate(person: FromClause, certificate: FromClause, **more: Any) -> sa.ColumnElement[Any]:
    """The details of a log row about a certificate."""
    return details_of_person(person, number=certificate.c.number, **more)
