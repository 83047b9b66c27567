"""An auth object that somebody wrote by the documented protocol, and that raises what it likes."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tests.support.auth_service import AuthService
from tripwire_db import AuthFailed, CompensationFailed, TripwireError
from tripwire_db.auth import Mark


class OwnAuth:
    """Exactly the documented methods, in front of the stand-in's rows; `failing` raises `error`, before or after its work."""

    def __init__(self, url: str) -> None:
        self._service = AuthService(url)
        self.failing: dict[str, tuple[str, Exception]] = {}
        self.calls: list[str] = []

    def create_user(self, *, id: UUID, email: str, password: str | None, full_name: str, mark: Mark) -> None:  # noqa: A002
        self._do("create_user", id=id, email=email, password=password, full_name=full_name, mark=mark)

    def update_user(
        self,
        *,
        id: UUID,  # noqa: A002
        password: str | None = None,
        full_name: str | None = None,
        email: str | None = None,
    ) -> None:
        self._do("update_user", id=id, password=password, full_name=full_name, email=email)

    def delete_user(self, id: UUID) -> bool:  # noqa: A002
        return bool(self._do("delete_user", id=id))

    def close(self) -> None:
        """Nothing is kept open."""

    def _do(self, method: str, **arguments: Any) -> Any:
        self.calls.append(method)
        when, error = self.failing.pop(method, ("never", Exception()))
        if when == "before":
            raise error
        done = getattr(self._service, method)(**arguments)
        if when == "after":
            raise error
        return done


ERRORS = [KeyError("user"), ConnectionResetError("gone"), psycopg.OperationalError("the connection is lost")]


def chain(error: BaseException | None) -> list[BaseException]:
    """The error and all that hangs from it, as reporters of errors walk it."""
    return [] if error is None else [error, *chain(error.__cause__), *chain(error.__context__)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_an_auth_object_raises_is_ours_once_and_a_retry_makes_one_student_who_logs_in(
    kind: str, it: World, when: str, error: Exception
):
    manager = it.manager()
    auth = OwnAuth(it.url)
    new = {"email": "own@course.kz", "full_name": "Own", "manager_id": manager.user_id}
    with opened(kind, it.url, auth=auth) as repository:
        auth.failing["create_user"] = (when, error)
        with pytest.raises(AuthFailed) as failed:
            repository.create_tripwire_user(**new, password="first-password")
        assert failed.value.applied is None
        assert type(error).__name__ in str(failed.value)
        assert not any(isinstance(part, psycopg.Error) for part in chain(failed.value))
        student = repository.create_tripwire_user(**new, password="second-password")
        assert student.created
        assert AuthService(it.url).logs_in("own@course.kz", "second-password")

        auth.failing["delete_user"] = (when, error)
        gone = {"user_id": student.user_id, "manager_id": manager.user_id}
        auth.calls.clear()
        with pytest.raises(AuthFailed, match="call again to finish"):
            repository.delete_student(**gone)
        assert auth.calls == ["delete_user"]  # a driver's error of its own is no reason to call it again
        assert repository.delete_student(**gone).deleted is False
    assert it.connection.execute("SELECT FROM auth.users WHERE id = %s", [student.user_id]).fetchall() == []


def test_a_compensation_that_an_auth_object_breaks_off_names_who_was_left_behind(kind: str, it: World):
    manager = it.manager()
    auth = OwnAuth(it.url)
    new = {"email": "own@course.kz", "full_name": "Own", "manager_id": manager.user_id}
    it.execute("ALTER TABLE tripwire_user_profile ADD CONSTRAINT nobody CHECK (false) NOT VALID")
    try:
        with opened(kind, it.url, auth=auth) as repository:
            auth.failing["delete_user"] = ("before", KeyError("user"))
            with pytest.raises(CompensationFailed) as failed:
                repository.create_tripwire_user(**new)
        assert isinstance(failed.value.cause, TripwireError)
    finally:
        it.execute("ALTER TABLE tripwire_user_profile DROP CONSTRAINT nobody")
    assert it.repository.create_tripwire_user(**new).user_id == failed.value.auth_user_id
