"""Checking a certificate by its verification code."""

from collections.abc import Sequence

from sqlalchemy import select

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.results import CertificateCheck
from tripwire_db.tables import certificates
from tripwire_db.validation import parse_text

LONGEST_CODE = 500
"""Characters; codes adopted from older systems may be longer than ours."""


def verify_certificate(*, code: str) -> Flow[CertificateCheck]:
    """Tell whether a verification code stands, was revoked and why, or is unknown.

    Raises:
        InvalidInput: the code is no string, empty or longer than 500 characters.

    Examples:
        >>> repository.verify_certificate(code=certificate.verification_code).valid
        True
    """
    return _VERIFY.flow(code=parse_text("code", code, longest=LONGEST_CODE))


def _decode(rows: Sequence[Row], asked: Parameters) -> CertificateCheck:  # noqa: ARG001
    if not rows:
        return CertificateCheck(status="unknown")
    found = rows[0]
    return CertificateCheck(
        status="valid" if found.revoked_at is None else "revoked",
        number=found.number,
        full_name=found.full_name,
        issued_at=found.issued_at,
        revoked_at=found.revoked_at,
        revoked_reason=found.revoked_reason,
    )


def _verify(b: StatementBuilder) -> None:
    b.report(
        select(
            certificates.c.number,
            certificates.c.full_name,
            certificates.c.issued_at,
            certificates.c.revoked_at,
            certificates.c.revoked_reason,
        ).where(certificates.c.verification_code == param("code"))
    )


_VERIFY = FlowStatement("verify_certificate", _verify, _decode)
