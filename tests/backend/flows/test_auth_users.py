"""The auth user of a person: told from strangers, never lost with an answer, and made where a trigger writes students."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.backend.flows.auth_user import EMAIL, auth_user, half_made, heal, refuse
from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tests.conftest import MakeDatabase
from tests.support.auth_service import AuthService
from tripwire_db import AuthFailed, CompensationFailed, ConstraintViolated, EmailTaken, InvalidInput, Unavailable
from tripwire_db.auth import EmailExists


@pytest.fixture
def auth(module_url: str) -> AuthService:
    return AuthService(module_url)


@pytest.fixture
def it(make_world: Callable[..., World], auth: AuthService) -> World:
    return make_world(auth=auth)


# -- strangers --------------------------------------------------------------------------------------------------------


def test_a_user_of_single_sign_on_with_the_same_email_is_nobody_else(it: World):
    it.execute("INSERT INTO auth.users (id, email, is_sso_user) VALUES (gen_random_uuid(), %s, true)", EMAIL)
    manager = it.manager()
    first = it.student(manager, email=EMAIL)
    again = it.student(manager, email=EMAIL)
    assert (first.created, again.created, again.user_id) == (True, False, first.user_id)


@pytest.fixture
def identities(it: World) -> Iterator[None]:
    """Supabase Auth's table of linked identities, where the stand-in lacks it."""
    missing = it.connection.execute("SELECT to_regclass('auth.identities') IS NULL AS missing").fetchone()["missing"]
    if missing:
        it.execute("CREATE TABLE auth.identities (user_id uuid, email text, provider text)")
    try:
        yield
    finally:
        it.execute("DROP TABLE auth.identities" if missing else "DELETE FROM auth.identities")


@pytest.mark.usefixtures("identities")
def test_an_email_that_only_a_linked_identity_holds_is_taken(it: World):
    stranger = uuid4()
    it.execute("INSERT INTO auth.users (id, email) VALUES (%s, 'other@course.kz')", stranger)
    it.execute("INSERT INTO auth.identities (user_id, email, provider) VALUES (%s, %s, 'google')", stranger, EMAIL)
    manager = it.manager()
    before = it.dump()
    with pytest.raises(EmailTaken, match="linked identity"):
        it.student(manager, email=EMAIL)
    assert it.dump() == before


def test_what_the_database_does_not_show_is_told_as_that_and_leaves_no_auth_user(
    it: World, make_database: MakeDatabase
):
    """Auth service and database are of different projects; or a login that sees nothing of auth.users."""
    elsewhere = AuthService(make_database())
    manager = it.manager()
    with opened("sync", it.url, auth=elsewhere) as repository:
        asked = {"email": EMAIL, "full_name": "Anna", "manager_id": manager.user_id}
        with pytest.raises(AuthFailed, match="same project") as raised:
            repository.create_tripwire_user(**asked)
        assert raised.value.applied is False
        assert [method for method, _ in elsewhere.made] == ["create_user", "delete_user"]
        with psycopg.connect(elsewhere._url, autocommit=True) as connection:
            connection.execute("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), %s)", [EMAIL])
        elsewhere.made.clear()
        with pytest.raises(AuthFailed, match="same project"):
            repository.create_tripwire_user(**asked)
    assert len(elsewhere.made) <= 5


# -- answers that were lost -------------------------------------------------------------------------------------------


class LosesAnswers(AuthService):
    """Makes the auth user, and neither its answer nor that to the look for it arrives; the database is away, too."""

    def __init__(self, url: str, cut: Callable[[], None]) -> None:
        super().__init__(url)
        self._cut = cut

    def create_user(self, **asked: Any) -> None:
        super().create_user(**asked)
        self._cut()
        failure = AuthFailed("nobody can know whether the auth user was created; call again", applied=None)
        raise EmailExists(failure, certain=False)


@pytest.fixture
def gone_after_auth(it: World, kind: str) -> Iterator[Any]:
    """A repository whose database is away from the first call of the auth service on."""
    from tests.support.servers.proxy import Proxy, Verdict

    with Proxy(it.url) as proxy:

        def cut() -> None:
            proxy.judge = lambda _: Verdict.CUT_BEFORE

        auth = LosesAnswers(it.url, cut)
        with opened(kind, proxy.url, auth=auth) as repository:
            yield repository


def test_applied_is_not_false_where_the_auth_user_exists_and_its_answer_was_lost(it: World, gone_after_auth: Any):
    manager = it.manager()
    with pytest.raises(Unavailable) as raised:
        gone_after_auth.create_tripwire_user(email=EMAIL, full_name="Anna", manager_id=manager.user_id)
    assert raised.value.applied is None
    assert "again" in str(raised.value)
    (left,) = it.connection.execute("SELECT id FROM auth.users WHERE email = %s", [EMAIL]).fetchall()
    assert it.student(manager, email=EMAIL).user_id == left["id"]


# -- managers where a trigger writes students -------------------------------------------------------------------------


@pytest.fixture
def handle_new_user(it: World) -> Iterator[None]:
    """The trigger of the older layout: whoever is made in auth.users gets a users row with the role student."""
    it.execute(
        """CREATE FUNCTION public.handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
            INSERT INTO public.users (id, email) VALUES (NEW.id, lower(NEW.email)); RETURN NEW; END $$;
        CREATE TRIGGER handle_new_user AFTER INSERT ON auth.users
            FOR EACH ROW EXECUTE FUNCTION public.handle_new_user()"""
    )
    try:
        yield
    finally:
        it.execute("DROP TRIGGER handle_new_user ON auth.users; DROP FUNCTION public.handle_new_user()")


@pytest.mark.usefixtures("handle_new_user")
def test_a_manager_is_made_where_a_trigger_writes_a_student_for_everybody(it: World):
    it.graduate()  # whose rows are no reason against it
    manager = it.manager(email=EMAIL, full_name="Dana", role="admin")
    assert (manager.role, manager.full_name, manager.created) == ("admin", "Dana", True)
    row = it.row("users", id=manager.user_id)
    assert (row["role"], row["full_name"], row["email"]) == ("admin", "Dana", EMAIL)
    assert [action for action, _ in it.log(manager.user_id)] == ["user_created"]
    assert not it.manager(email=EMAIL, role="admin").created


@pytest.mark.usefixtures("handle_new_user")
def test_no_auth_user_stays_there_where_the_rows_are_refused(it: World):
    manager = it.manager()
    with it.planted("tripwire_users"):
        before = it.dump()
        with pytest.raises(ConstraintViolated, match="ck_planted"):
            it.student(manager, email=EMAIL)
        assert it.dump() == before


def test_one_with_anything_of_a_students_does_not_become_a_manager(it: World):
    left = half_made(it, "manager")
    it.execute("INSERT INTO users (id, email) VALUES (%s, %s)", left, EMAIL)
    it.execute("INSERT INTO user_statistics (user_id) VALUES (%s)", left)
    rows = it.dump(left)[1:]
    with pytest.raises(EmailTaken):
        it.manager(email=EMAIL)
    assert it.dump(left)[1:] == rows
    assert it.row("users", id=left)["role"] == "student"


# -- a repository that cannot work ------------------------------------------------------------------------------------


def test_where_the_database_is_bootstrapped_and_not_upgraded_no_auth_user_stays(kind: str, empty_database_url: str):
    auth = AuthService(empty_database_url)
    with opened(kind, empty_database_url, auth=auth) as repository:
        with pytest.raises(Unavailable, match="tripwire-db upgrade") as raised:
            repository.create_manager(email=EMAIL, full_name="Dana")
        assert raised.value.applied is False
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM auth.users").fetchone() == (0,)


@pytest.mark.parametrize("method", ["create_user", "update_user", "delete_user", "close"])
def test_an_auth_object_without_a_method_is_refused_when_the_repository_is_opened(kind: str, it: World, method: str):
    class Lacking(AuthService):
        pass

    setattr(Lacking, method, None)
    with pytest.raises(InvalidInput, match=method), opened(kind, it.url, auth=Lacking(it.url)):
        pass


def test_a_compensation_that_fails_is_resumed_by_the_next_call_with_its_own_password(it: World, auth: AuthService):
    manager = it.manager()
    refuse("delete_user", auth)
    with it.planted("user_statistics"), pytest.raises(CompensationFailed) as raised:
        it.student(manager, email=EMAIL, password="first")
    heal(auth)
    student = it.student(manager, email=EMAIL, password="second")
    assert (student.user_id, student.created) == (raised.value.auth_user_id, True)
    assert auth.logs_in(EMAIL, "second")


def test_the_stand_in_is_resumed_too(make_world: Callable[..., World]):
    it = make_world()
    manager, left = it.manager(), half_made(it)
    assert it.student(manager, email=EMAIL, full_name="Second").user_id == left
    assert auth_user(it, left)["raw_user_meta_data"] == {"full_name": "Second"}


def test_no_rows_are_written_for_an_auth_user_who_was_softly_deleted_meanwhile(it: World, auth: AuthService):
    manager = it.manager()

    def delete_softly(asked: str) -> None:
        if asked == "create_user":
            heal(auth)
            it.execute(
                "UPDATE auth.users SET email = 'x1Z', deleted_at = now(), raw_app_meta_data = '{}' WHERE email = %s",
                EMAIL,
            )

    auth.after = delete_softly
    student = it.repository.create_tripwire_user(email=EMAIL, full_name="Anna", manager_id=manager.user_id)
    assert student.created
    assert auth_user(it, student.user_id)["deleted_at"] is None
    assert it.connection.execute("SELECT count(*) AS n FROM public.tripwire_users").fetchone()["n"] == 1
