# Made by scripts/unasync from tripwire_db/repository/aio/students.py: change that, and run it again.
"""Methods about students: from the sale to the deletion."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from tripwire_db.choices import Status
from tripwire_db.flows.reassign_students import reassign_students as reassign_students_flow
from tripwire_db.flows.record_welcome_email import record_welcome_email as record_welcome_email_flow
from tripwire_db.flows.set_student_status import set_student_status as set_student_status_flow
from tripwire_db.flows.shared.days import DEFAULT_TIME_ZONE
from tripwire_db.flows.students import get_student as get_student_flow
from tripwire_db.flows.students import list_students as list_students_flow
from tripwire_db.repository import accounts, provisioning
from tripwire_db.repository.sync.blocking import told
from tripwire_db.repository.sync.driver import Driver
from tripwire_db.results import (
    CreatedStudent,
    DeletedStudent,
    Page,
    PasswordReset,
    Reassignment,
    Student,
    StudentJourney,
    StudentStatus,
    WelcomeEmail,
)


class StudentMethods(Driver):
    """Methods about students: from the sale to the deletion."""

    @told
    def create_tripwire_user(
        self,
        *,
        email: str,
        full_name: str,
        manager_id: UUID | str,
        password: str | None = None,
        price: Decimal | float | str | None = None,
    ) -> CreatedStudent:
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

        Returns:
            A `CreatedStudent`, with user_id, email, full_name, manager_id, price, created.

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
        return self._perform(
            provisioning.create_tripwire_user(
                self._services, email=email, full_name=full_name, manager_id=manager_id, password=password, price=price
            )
        )

    @told
    def get_student(self, *, user_id: UUID | str) -> StudentJourney:
        """Everything about one student, in one statement.

        Returns:
            A `StudentJourney`, with student, completion_percentage, lessons_completed, total_time_spent, progress,
            video, unlocks, achievements, certificate.

        Raises:
            InvalidInput: an id of the wrong type.
            NotFound: no such student.

        Examples:
            >>> journey = repository.get_student(user_id=student.user_id)
            >>> [(lesson.lesson_id, lesson.status) for lesson in journey.progress]
            [(67, 'completed'), (68, 'in_progress')]
        """
        return self._perform(get_student_flow(user_id=user_id))

    @told
    def list_students(
        self,
        *,
        manager_id: UUID | str | None = None,
        status: Status | None = None,
        search: str | None = None,
        modules_completed: int | None = None,
        certificate: bool | None = None,
        welcome_email_sent: bool | None = None,
        since: date | None = None,
        until: date | None = None,
        time_zone: str = DEFAULT_TIME_ZONE,
        limit: int = 20,
        after: Student | str | None = None,
        count: bool = False,
    ) -> Page[Student]:
        """A page of students, newest first; each filter that is given narrows it.

        Args:
            manager_id: only those whom this manager sold.
            status: only those with this status.
            search: only those whose e-mail or name contains this, upper and lower case alike.
            modules_completed: only those who have completed so many modules, 0–3.
            certificate: only those who have a valid certificate, or only those who have none.
            welcome_email_sent: only those to whom the welcome e-mail has gone out, or only the others.
            since: only those sold on this day or later; None for all from the beginning.
            until: the last day, included; None for today, or, without `since`, for all there are.
            time_zone: an IANA name; its midnights part the days.
            limit: at most so many, 1–1000.
            after: `next` of the page before, or its last student; nobody is lost or seen twice between pages.
            count: also count, in `total`, whom all pages together have, whatever `after` is.

        Returns:
            A `Page` of `Student`, with id, user_id, email, full_name, manager_id, manager_name, status,
            modules_completed, price, welcome_email_sent, welcome_email_sent_at, created_at, last_seen_at.

        Raises:
            InvalidInput: an argument that cannot be right, or the server knows no such time zone.

        Examples:
            >>> page = repository.list_students(welcome_email_sent=False, limit=100, count=True)
            >>> print(f"{page.total} students wait for their e-mail")
            >>> while page.next:
            ...     page = repository.list_students(welcome_email_sent=False, limit=100, after=page.next)
        """
        return self._perform(
            list_students_flow(
                manager_id=manager_id,
                status=status,
                search=search,
                modules_completed=modules_completed,
                certificate=certificate,
                welcome_email_sent=welcome_email_sent,
                since=since,
                until=until,
                time_zone=time_zone,
                limit=limit,
                after=after,
                count=count,
            )
        )

    @told
    def set_student_status(self, *, user_id: UUID | str, status: Status, manager_id: UUID | str) -> StudentStatus:
        """Set a student's status; progress, counters and certificates stay as they are.

        Called again it changes and logs nothing.

        Args:
            user_id: the student.
            status: active, inactive, completed or blocked; who has completed the course is completed, not active.
            manager_id: who does it; a user of any role but student.

        Returns:
            A `StudentStatus`, with user_id, status, changed.

        Raises:
            InvalidInput: an argument that cannot be right.
            NotFound: no such student or manager.

        Examples:
            >>> repository.set_student_status(user_id=student.user_id, status="blocked", manager_id=manager.user_id).changed
            True
        """
        return self._perform(
            set_student_status_flow(self._services.context, user_id=user_id, status=status, manager_id=manager_id)
        )

    @told
    def correct_student(
        self,
        *,
        user_id: UUID | str,
        manager_id: UUID | str,
        full_name: str | None = None,
        email: str | None = None,
        price: Decimal | float | str | None = None,
    ) -> Student:
        """Correct a student's name, e-mail or price; the auth user, too. Certificates keep the name of their day.

        The auth user is changed first, then the rows, in one statement; where they are refused, the auth user is put
        back. What is as asked already changes and logs nothing; calling again after any failure ends in both alike. A
        correction of the price alone needs no auth service.

        Args:
            user_id: the student.
            manager_id: who does it: whoever sold the student, or an admin.
            full_name: 1–300 characters; None leaves the name.
            email: taken in any case, stored in lower case; None leaves the e-mail.
            price: in KZT, ≥ 0; None leaves the price.

        Returns:
            The `Student` as they are now.

        Raises:
            InvalidInput: an argument that cannot be right.
            NotFound: no such student or manager.
            Refused: the manager neither sold the student nor is an admin.
            EmailTaken: somebody else has the e-mail.
            AuthFailed: the auth service did not change the auth user (`applied` False), or nobody can know (None).
            CompensationFailed: the database refused, and the auth user could not be put back.
            ConstraintViolated, Unavailable: the database refused, or could not be reached.

        Examples:
            >>> repository.correct_student(
            ...     user_id=student.user_id, manager_id=manager.user_id, full_name="Aigerim Serik"
            ... ).full_name
            'Aigerim Serik'
        """
        return self._perform(
            accounts.correct_student(
                self._services, user_id=user_id, manager_id=manager_id, full_name=full_name, email=email, price=price
            )
        )

    @told
    def reassign_students(
        self,
        *,
        from_manager_id: UUID | str,
        to_manager_id: UUID | str,
        manager_id: UUID | str,
        user_ids: Sequence[UUID | str] | None = None,
    ) -> Reassignment:
        """Give a seller's students to another seller, with their sales: all, or none where one of them cannot be.

        Called again it changes and logs nothing. Where a manager goes whose students were not reassigned, the
        leaderboard keeps their sales under their name.

        Args:
            from_manager_id: whose students they are.
            to_manager_id: whose they become: a user with the role sales_manager or admin.
            manager_id: who does it; an admin.
            user_ids: only these, 1–10,000; None for all.

        Returns:
            A `Reassignment`, with from_manager_id, to_manager_id, and user_ids of those who passed by this call.

        Raises:
            InvalidInput: an argument that cannot be right, or both managers are the same.
            NotFound: no such manager or student.
            Refused: `manager_id` is no admin, or somebody in `user_ids` is a third manager's.

        Examples:
            >>> len(repository.reassign_students(
            ...     from_manager_id=leaving.user_id, to_manager_id=staying.user_id, manager_id=admin.user_id
            ... ).user_ids)
            12
        """
        return self._perform(
            reassign_students_flow(
                self._services.context,
                from_manager_id=from_manager_id,
                to_manager_id=to_manager_id,
                manager_id=manager_id,
                user_ids=user_ids,
            )
        )

    @told
    def reset_password(self, *, user_id: UUID | str, password: str, manager_id: UUID | str) -> PasswordReset:
        """Set a student's password in the auth service, and log who did it; the password is kept nowhere else.

        Of two at once the one that is told last is what logs in. Where the database refuses the log's row, the password
        stays as it was.

        Args:
            user_id: the student.
            password: 1–72 bytes.
            manager_id: who does it: whoever sold the student, or an admin.

        Returns:
            A `PasswordReset`, with user_id, at.

        Raises:
            InvalidInput: an argument that cannot be right, or a password that the auth service finds too weak.
            NotFound: no such student or manager.
            Refused: the manager neither sold the student nor is an admin.
            AuthFailed: the password was not set (`applied` False), or nobody can know (None); call again.
            ConstraintViolated, Unavailable: the database refused, or could not be reached.

        Examples:
            >>> repository.reset_password(
            ...     user_id=student.user_id, password="correct horse", manager_id=manager.user_id
            ... ).user_id == student.user_id
            True
        """
        return self._perform(
            accounts.reset_password(self._services, user_id=user_id, password=password, manager_id=manager_id)
        )

    @told
    def record_welcome_email(
        self,
        *,
        user_id: UUID | str,
        sent: bool,
        manager_id: UUID | str | None = None,
        activity_id: UUID | str | None = None,
    ) -> WelcomeEmail:
        """Mark the welcome e-mail as sent, once; the time of the first call stays.

        Sent again, it is logged again: once for each `activity_id`, and without one not at all. With `sent=False`, an attempt that failed, nothing is written: what has not gone out is not marked, and what has
        gone out cannot be taken back.

        Args:
            user_id: the student.
            sent: whether the e-mail went out.
            manager_id: who acted; by default whoever sold the student.
            activity_id: the log row's id, chosen by the caller for each e-mail that went out; a second call with it
                logs nothing.

        Returns:
            A `WelcomeEmail`, with user_id, sent, sent_at, recorded.

        Raises:
            InvalidInput: an argument that cannot be right.
            NotFound: no such student or manager.

        Examples:
            >>> repository.record_welcome_email(user_id=student.user_id, sent=True).recorded
            True
        """
        return self._perform(
            record_welcome_email_flow(
                self._services.context, user_id=user_id, sent=sent, manager_id=manager_id, activity_id=activity_id
            )
        )

    @told
    def delete_student(self, *, user_id: UUID | str, manager_id: UUID | str) -> DeletedStudent:
        """Delete a student: every row, certificates too, then the auth user; the log stays.

        Called again it finishes what is left, or returns the same with `deleted` False.

        Args:
            user_id: the student.
            manager_id: who does it; a user of any role but student.

        Returns:
            A `DeletedStudent`, with user_id, email, full_name, deleted.

        Raises:
            InvalidInput: an id of the wrong type.
            NotFound: no such student ever, or no such manager.
            Refused: the person is more than a student.
            AuthFailed: the rows are gone, the auth user is not; call again to finish.

        Examples:
            >>> repository.delete_student(user_id=student.user_id, manager_id=manager.user_id).deleted
            True
        """
        return self._perform(provisioning.delete_student(self._services, user_id=user_id, manager_id=manager_id))
