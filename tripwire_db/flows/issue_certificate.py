"""Issues a certificate to a student who has completed the three modules."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, func, select, true, update

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder
from tripwire_db.errors import NotEligible, NotFound
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.certificate import (
    certificate_of,
    details_of_certificate,
    issue,
    new_code,
    reported,
    valid_certificate,
)
from tripwire_db.flows.shared.context import FlowContext, locked_student, not_active
from tripwire_db.results import Certificate
from tripwire_db.tables import (
    MODULES_IN_COURSE,
    STUDYING_STATUSES,
    tripwire_user_profile,
)
from tripwire_db.validation import parse_uuid


def issue_certificate(context: FlowContext, *, user_id: UUID | str) -> Flow[Certificate]:
    """Issue the certificate of a student who has completed the three modules.

    Called again it returns the same one: the number is for ever. After a revocation it issues a new one.

    Raises:
        InvalidInput: an id of the wrong type.
        NotFound: no such student.
        StudentNotActive: the student is blocked or inactive, and holds none yet.
        NotEligible: modules are missing.

    Examples:
        >>> repository.issue_certificate(user_id=student.user_id).number
        'TW-100001'
    """
    return _ISSUE.flow(user_id=parse_uuid("user_id", user_id), at=context.now(), **new_code(context))


def _decode(rows: Sequence[Row], asked: Parameters) -> Certificate:
    user_id = asked["user_id"]
    if not rows:
        raise NotFound("student", user_id)
    found = rows[0]
    certificate = certificate_of(found, newly_issued=found.newly_issued)
    if certificate is not None:
        return certificate
    if found.status not in STUDYING_STATUSES:
        raise not_active(user_id, found.status)
    raise NotEligible(user_id=user_id, modules_completed=found.modules_completed, needed=MODULES_IN_COURSE)


def _issue(b: StatementBuilder) -> None:
    student = locked_student(b)
    held = valid_certificate(b, student)
    gate = b.gate(
        "gate",
        select(student)
        .outerjoin(held, true())
        .where(
            held.c.id.is_(None),
            student.c.modules_completed >= MODULES_IN_COURSE,
            student.c.status.in_(STUDYING_STATUSES),
        ),
    )
    certificate = issue(b, gate)
    b.step(
        "update_profile",
        update(tripwire_user_profile)
        .where(tripwire_user_profile.c.user_id == certificate.c.user_id)
        .values(certificate_issued=True, certificate_url=certificate.c.url)
        .returning(tripwire_user_profile.c.user_id),
    )
    issued = select(student, certificate.c.number).join_from(student, certificate, true()).subquery("issued")
    log_step(
        b,
        "log_issue",
        issued,
        manager_id=issued.c.granted_by,
        action_type="certificate_issued",
        details=details_of_certificate(issued, issued),
    )
    b.report(
        select(
            student.c.status,
            student.c.modules_completed,
            *reported(certificate, held),
            certificate.c.id.is_not(None).label("newly_issued"),
            func.coalesce(and_(gate.c.user_id.is_not(None), certificate.c.id.is_(None)), False).label("raced"),
        )
        .select_from(student)
        .outerjoin(held, true())
        .outerjoin(gate, true())
        .outerjoin(certificate, true())
    )


_ISSUE = FlowStatement("issue_certificate", _issue, _decode)
