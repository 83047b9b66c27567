"""Taking a certificate back; the row and its code stay, so that a check can say why."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, func, select, true, update

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.errors import NotFound
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.certificate import COLUMNS, certificate_of, details_of_certificate, reported
from tripwire_db.flows.shared.context import FlowContext, actor, locked_student, unknown_actor
from tripwire_db.results import Certificate
from tripwire_db.tables import certificates, tripwire_user_profile
from tripwire_db.validation import MAX_REASON, parse_optional_uuid, parse_text, parse_uuid


def revoke_certificate(
    context: FlowContext, *, user_id: UUID | str, reason: str, manager_id: UUID | str | None = None
) -> Flow[Certificate]:
    """Revoke the certificate that a student holds; clear flag and URL in the profile.

    Status and achievements stay. Called again it returns the revoked one as it is; issuing again makes a new one.

    Args:
        user_id: the student.
        reason: why, for whoever checks the code; 1–2000 characters.
        manager_id: who acted; by default whoever sold the student.

    Raises:
        InvalidInput: an argument that cannot be right.
        NotFound: no such student or manager, or a student who never held a certificate.

    Examples:
        >>> repository.revoke_certificate(user_id=student.user_id, reason="issued by mistake").revoked_reason
        'issued by mistake'
    """
    return _REVOKE.flow(
        user_id=parse_uuid("user_id", user_id),
        reason=parse_text("reason", reason, longest=MAX_REASON),
        manager_id=parse_optional_uuid("manager_id", manager_id),
        at=context.now(),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> Certificate:
    if not rows:
        raise NotFound("student", asked["user_id"])
    found = rows[0]
    if found.unknown_actor:
        raise NotFound("manager", asked["manager_id"])
    certificate = certificate_of(found)
    if certificate is None:
        raise NotFound("certificate", f"of student {asked['user_id']}", "none has been issued")
    return certificate


def _revoke(b: StatementBuilder) -> None:
    student = locked_student(b)
    who = actor(b, student)
    gate = b.gate("gate", select(student, who.c.id.label("actor_id")).join_from(student, who, true()))
    revoked = b.step(
        "revoke_certificate",
        update(certificates)
        .where(certificates.c.user_id == gate.c.user_id, certificates.c.revoked_at.is_(None))
        .values(revoked_at=gate.c.at, revoked_reason=param("reason"))
        .returning(*COLUMNS),
    )
    b.step(
        "update_profile",
        update(tripwire_user_profile)
        .where(tripwire_user_profile.c.user_id == revoked.c.user_id)
        .values(certificate_issued=False, certificate_url=None)
        .returning(tripwire_user_profile.c.user_id),
    )
    logged = select(gate, revoked.c.number).join_from(gate, revoked, true()).subquery("logged")
    log_step(
        b,
        "log_revocation",
        logged,
        manager_id=logged.c.actor_id,
        action_type="certificate_revoked",
        details=details_of_certificate(logged, logged, reason=param("reason")),
    )
    latest = (
        select(*COLUMNS)
        .where(certificates.c.user_id == student.c.user_id)
        .order_by(certificates.c.issued_at.desc(), certificates.c.id.desc())
        .limit(1)
        .lateral("latest")
    )
    valid = select(func.count()).where(certificates.c.user_id == student.c.user_id, certificates.c.revoked_at.is_(None))
    b.report(
        select(
            unknown_actor(who),
            *reported(revoked, latest),
            # A valid one at the statement's start that this call did not revoke: somebody else just has.
            and_(
                who.c.known.is_not(None), revoked.c.id.is_(None), valid.correlate(student).scalar_subquery() > 0
            ).label("raced"),
        )
        .select_from(student)
        .outerjoin(who, true())
        .outerjoin(revoked, true())
        .outerjoin(latest, true())
    )


_REVOKE = FlowStatement("revoke_certificate", _revoke, _decode)
