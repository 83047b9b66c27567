"""Methods about managers and the log of what they do."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tripwire_db.choices import ActionType, ManagerRole
from tripwire_db.flows.log_activity import log_activity as log_activity_flow
from tripwire_db.flows.search import search_activity as search_activity_flow
from tripwire_db.repository import provisioning
from tripwire_db.repository.aio.blocking import told
from tripwire_db.repository.aio.driver import Driver
from tripwire_db.results import Activity, CreatedManager


class ManagerMethods(Driver):
    """Methods about managers and the log of what they do."""

    @told
    async def create_manager(
        self, *, email: str, full_name: str, password: str | None = None, role: ManagerRole = "sales_manager"
    ) -> CreatedManager:
        """Create a manager: auth user and users row. One who is there with the same role is returned, `created` False.

        Args:
            email: taken in any case, stored in lower case.
            full_name: 1–300 characters.
            password: for the auth user, at most 72 bytes; None for an account without one.
            role: sales_manager, admin, curator or tech_support.

        Returns:
            A `CreatedManager`, with user_id, email, full_name, role, created.

        Raises:
            InvalidInput: an argument that cannot be right.
            EmailTaken: somebody with another role, or an auth user that is not ours, has the e-mail.
            AuthFailed, CompensationFailed, ConstraintViolated, Unavailable: as `create_tripwire_user`.

        Examples:
            >>> (await repository.create_manager(email="dana@example.com", full_name="Dana K.")).role
            'sales_manager'
        """
        return await self._perform(
            provisioning.create_manager(self._services, email=email, full_name=full_name, password=password, role=role)
        )

    @told
    async def log_activity(
        self,
        *,
        manager_id: UUID | str | None,
        action_type: ActionType,
        target_user_id: UUID | str | None = None,
        details: Mapping[str, Any] | None = None,
        activity_id: UUID | str | None = None,
    ) -> Activity:
        """Write one row of the log; the target's e-mail and name are copied into its details, if it is known.

        Args:
            manager_id: who acted; None stands for the system.
            action_type: one of `choices.ActionType`.
            target_user_id: about whom, if about anybody; they may be gone already.
            details: a JSON object of at most 64 KiB.
            activity_id: the row's id, chosen by the caller; a second call with it returns the row and writes nothing.

        Returns:
            An `Activity`, with id, action_type, target_user_id, target_user_email, target_user_name, details,
            created_at, manager_id.

        Raises:
            InvalidInput: an argument that cannot be right.
            NotFound: no such manager.

        Examples:
            >>> await repository.log_activity(
            ...     manager_id=manager.user_id, action_type="password_reset", target_user_id=student.user_id
            ... ).target_user_email
            'aigerim@example.com'
        """
        return await self._perform(
            log_activity_flow(
                self._services.context,
                manager_id=manager_id,
                action_type=action_type,
                target_user_id=target_user_id,
                details=details,
                activity_id=activity_id,
            )
        )

    @told
    async def search_activity(
        self, *, details: Mapping[str, Any], manager_id: UUID | str | None = None, limit: int = 50
    ) -> list[Activity]:
        """Rows of the log whose details contain these, newest first.

        Args:
            details: a JSON object, as in `{"email": "aigerim@example.com"}`; `{}` is contained in every row.
            manager_id: only this manager's rows.
            limit: at most so many, 1–1000.

        Returns:
            One `Activity` a row, with id, action_type, target_user_id, target_user_email, target_user_name,
            details, created_at, manager_id.

        Raises:
            InvalidInput: an argument that cannot be right.

        Examples:
            >>> [row.action_type for row in await repository.search_activity(details={"lesson_id": 67})]
            ['lesson_completed']
        """
        return await self._perform(search_activity_flow(details=details, manager_id=manager_id, limit=limit))
