"""What both implementations promise alike."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from tests.backend.auth.conftest import AuthUsers
from tripwire_db.auth import Auth, Claim, EmailExists, Mark, PostgresAuth, SupabaseAuth
from tripwire_db.errors import AuthFailed, InvalidInput

CREATIONS = 24


@pytest.fixture(params=["postgres_auth", "supabase_auth"])
def auth(request: pytest.FixtureRequest) -> Auth:
    auth: Auth = request.getfixturevalue(request.param)
    return auth


def create(auth: Auth, email: str = "ann@example.com", mark: Mark = Mark.STUDENT, full_name: str = "Ann") -> UUID:
    user_id = uuid4()
    auth.create_user(id=user_id, email=email, password=None, full_name=full_name, mark=mark)
    return user_id


def test_a_user_gets_exactly_the_id_that_was_chosen(auth: Auth, auth_users: AuthUsers) -> None:
    user_id = create(auth)
    assert auth_users.ids() == {user_id}


@pytest.mark.parametrize("mark", Mark)
def test_the_mark_stands_where_people_cannot_edit_it(auth: Auth, auth_users: AuthUsers, mark: Mark) -> None:
    create(auth, mark=mark)
    row = auth_users.one()
    assert row["raw_app_meta_data"]["tripwire"] == {"kind": mark.value}
    assert row["raw_user_meta_data"] == {"full_name": "Ann"}


def test_a_user_is_found_by_id_with_email_and_mark(auth: Auth) -> None:
    user_id = create(auth, mark=Mark.MANAGER)
    found = auth.find_user(user_id)
    assert found is not None
    assert (found.id, found.email, found.mark) == (user_id, "ann@example.com", Mark.MANAGER)


def test_nobody_is_found_under_an_id_that_never_was(auth: Auth) -> None:
    assert auth.find_user(uuid4()) is None


@pytest.mark.parametrize("app_metadata", ["null", "{}", '{"tripwire": 1}', '{"tripwire": {"kind": [1]}}'])
def test_a_user_who_is_not_ours_has_no_mark(auth: Auth, auth_users: AuthUsers, app_metadata: str) -> None:
    user_id = uuid4()
    auth_users.execute(
        "insert into auth.users (id, email, raw_app_meta_data) values (%s, 'ann@example.com', %s::jsonb)",
        user_id,
        app_metadata,
    )
    found = auth.find_user(user_id)
    assert found is not None
    assert found.mark is None


@pytest.mark.parametrize("app_metadata", [None, 7, "student", ["tripwire"], {"tripwire": {"kind": "king"}}])
def test_only_our_own_mark_is_read_as_one(app_metadata: object) -> None:
    assert Mark.read(app_metadata) is None
    assert [Mark.read(mark.app_metadata) for mark in Mark] == list(Mark)


def test_an_email_that_is_taken_is_told_and_nothing_is_made(auth: Auth, auth_users: AuthUsers) -> None:
    first = create(auth)
    with pytest.raises(EmailExists) as caught:
        create(auth)
    assert caught.value.certain
    assert caught.value.failure.applied is False
    assert auth_users.ids() == {first}


def test_a_user_with_no_more_than_id_and_email_holds_the_email(auth: Auth, auth_users: AuthUsers) -> None:
    auth_users.execute("insert into auth.users (id, email) values (%s, 'ann@example.com')", uuid4())
    with pytest.raises(EmailExists):
        create(auth)


def test_creating_the_same_user_again_is_a_success(auth: Auth, auth_users: AuthUsers) -> None:
    user_id = uuid4()
    for _ in range(2):
        auth.create_user(id=user_id, email="ann@example.com", password=None, full_name="Ann", mark=Mark.STUDENT)
    assert auth_users.ids() == {user_id}


def test_a_change_writes_what_is_given_and_leaves_the_rest(auth: Auth, auth_users: AuthUsers) -> None:
    user_id = create(auth)
    auth.update_user(id=user_id, full_name="Anna")
    auth.update_user(id=user_id, email="anna@example.com")
    auth.update_user(id=user_id)
    row = auth_users.one()
    assert (row["email"], row["raw_user_meta_data"]) == ("anna@example.com", {"full_name": "Anna"})
    assert row["raw_app_meta_data"]["tripwire"] == {"kind": "student"}


def test_a_claim_puts_the_token_of_the_call_into_the_mark(auth: Auth, auth_users: AuthUsers) -> None:
    user_id, token = create(auth), uuid4()
    auth.update_user(id=user_id, claim=Claim(Mark.STUDENT, token))
    assert auth_users.one()["raw_app_meta_data"]["tripwire"] == {"kind": "student", "token": str(token)}
    found = auth.find_user(user_id)
    assert found is not None
    assert (found.mark, found.token) == (Mark.STUDENT, str(token))


def test_a_change_to_an_email_that_is_taken_changes_nothing(auth: Auth, auth_users: AuthUsers) -> None:
    create(auth)
    user_id = create(auth, "anna@example.com")
    before = auth_users.all()
    with pytest.raises(EmailExists):
        auth.update_user(id=user_id, email="ann@example.com", full_name="Anna")
    assert auth_users.all() == before


def test_a_change_of_nobody_fails_and_says_that_there_is_none(auth: Auth) -> None:
    with pytest.raises(AuthFailed, match="none with this id") as caught:
        auth.update_user(id=uuid4(), full_name="Anna")
    assert caught.value.applied is False


def test_deleting_removes_the_row_and_deleting_again_says_there_was_none(auth: Auth, auth_users: AuthUsers) -> None:
    user_id = create(auth)
    assert auth.delete_user(user_id) is True
    assert auth_users.all() == []
    assert auth.delete_user(user_id) is False


def test_a_name_in_any_script_arrives_as_it_was(auth: Auth, auth_users: AuthUsers) -> None:
    name = "Әлия O'Brien; drop table auth.users -- 😀"
    create(auth, full_name=name)
    assert auth_users.one()["raw_user_meta_data"] == {"full_name": name}


def test_text_that_is_not_unicode_is_refused_before_anything_is_sent(auth: Auth, auth_users: AuthUsers) -> None:
    with pytest.raises(InvalidInput):
        create(auth, full_name="lone surrogate \ud800")
    assert auth_users.all() == []


def test_one_object_serves_many_threads_at_once(auth: Auth, auth_users: AuthUsers) -> None:
    start = threading.Barrier(CREATIONS)

    def one(number: int) -> UUID:
        start.wait()
        return create(auth, f"student{number}@example.com")

    with ThreadPoolExecutor(CREATIONS) as pool:
        made = set(pool.map(one, range(CREATIONS)))
    assert auth_users.ids() == made


def test_of_many_who_want_one_email_exactly_one_gets_it(auth: Auth, auth_users: AuthUsers) -> None:
    start = threading.Barrier(CREATIONS)

    def one(_: int) -> UUID | EmailExists:
        start.wait()
        try:
            return create(auth)
        except EmailExists as taken:
            return taken

    with ThreadPoolExecutor(CREATIONS) as pool:
        outcomes = list(pool.map(one, range(CREATIONS)))
    assert [outcome for outcome in outcomes if isinstance(outcome, UUID)] == list(auth_users.ids())


@pytest.mark.parametrize("method", ["close", "__exit__"])
def test_a_closed_object_may_be_closed_again_and_opens_anew_when_used(auth: Auth, method: str) -> None:
    create(auth, "first@example.com")
    for _ in range(2):
        auth.close() if method == "close" else auth.__exit__(None, None, None)
    create(auth, "second@example.com")


def test_both_are_the_protocol(postgres_auth: PostgresAuth, supabase_auth: SupabaseAuth) -> None:
    uses: Callable[[Auth], str] = repr  # checked by mypy
    assert "secret" not in uses(postgres_auth) + uses(supabase_auth)
