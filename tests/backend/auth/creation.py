"""An auth user as the tests of `SupabaseAuth` create one, and what was asked of the Admin API meanwhile."""

import time
from collections.abc import Callable
from uuid import UUID, uuid4

from tests.support.servers.admin_api import AdminApi
from tripwire_db.auth import Mark, SupabaseAuth

PASSWORD = "correct horse battery"
EMAIL = "ann@example.com"


def create(
    auth: SupabaseAuth, user_id: UUID | None = None, email: str = EMAIL, password: str | None = PASSWORD
) -> UUID:
    user_id = user_id or uuid4()
    auth.create_user(id=user_id, email=email, password=password, full_name="Ann", mark=Mark.STUDENT)
    return user_id


def statuses(api: AdminApi) -> list[tuple[str, bool]]:
    return [(request.method, bool(request.statuses)) for request in api.requests]


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)
