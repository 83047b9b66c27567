# Made by scripts/unasync from tripwire_db/repository/aio/certificates.py: change that, and run it again.
"""Methods about certificates: issue, revoke, verify."""

from uuid import UUID

from tripwire_db.flows.issue_certificate import issue_certificate as issue_certificate_flow
from tripwire_db.flows.revoke_certificate import revoke_certificate as revoke_certificate_flow
from tripwire_db.flows.verify_certificate import verify_certificate as verify_certificate_flow
from tripwire_db.repository.sync.blocking import told
from tripwire_db.repository.sync.driver import Driver
from tripwire_db.results import Certificate, CertificateCheck


class CertificateMethods(Driver):
    """Methods about certificates: issue, revoke, verify."""

    @told
    def issue_certificate(self, *, user_id: UUID | str) -> Certificate:
        """Issue the certificate of a student who has completed the three modules.

        Called again it returns the same one: the number is for ever. After a revocation it issues a new one.

        Returns:
            A `Certificate`, with id, user_id, number, verification_code, url, full_name, issued_at, revoked_at,
            revoked_reason, newly_issued.

        Raises:
            InvalidInput: an id of the wrong type.
            NotFound: no such student.
            StudentNotActive: the student is blocked or inactive, and holds none yet.
            NotEligible: modules are missing.

        Examples:
            >>> repository.issue_certificate(user_id=student.user_id).number
            'TW-100001'
        """
        return self._perform(issue_certificate_flow(self._services.context, user_id=user_id))

    @told
    def revoke_certificate(
        self, *, user_id: UUID | str, reason: str, manager_id: UUID | str | None = None
    ) -> Certificate:
        """Revoke the certificate that a student holds; clear flag and URL in the profile.

        Status and achievements stay. Called again it returns the revoked one as it is; issuing again makes a new one.

        Args:
            user_id: the student.
            reason: why, for whoever checks the code; 1–2000 characters.
            manager_id: who acted; by default whoever sold the student.

        Returns:
            A `Certificate`, with id, user_id, number, verification_code, url, full_name, issued_at, revoked_at,
            revoked_reason, newly_issued.

        Raises:
            InvalidInput: an argument that cannot be right.
            NotFound: no such student or manager, or a student who never held a certificate.

        Examples:
            >>> repository.revoke_certificate(user_id=student.user_id, reason="issued by mistake").revoked_reason
            'issued by mistake'
        """
        return self._perform(
            revoke_certificate_flow(self._services.context, user_id=user_id, reason=reason, manager_id=manager_id)
        )

    @told
    def verify_certificate(self, *, code: str) -> CertificateCheck:
        """Tell whether a verification code stands, was revoked and why, or is unknown.

        Returns:
            A `CertificateCheck`, with status, number, full_name, issued_at, revoked_at, revoked_reason.

        Raises:
            InvalidInput: the code is no string, empty or longer than 500 characters.

        Examples:
            >>> repository.verify_certificate(code=certificate.verification_code).valid
            True
        """
        return self._perform(verify_certificate_flow(code=code))
