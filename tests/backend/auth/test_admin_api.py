"""The tests' own Admin API against the real supabase client: it answers as Supabase Auth does."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import ValidationError
from supabase import AuthApiError, AuthError, AuthWeakPasswordError, Client, ClientOptions, create_client

from tests.backend.auth.conftest import AuthUsers
from tests.support.servers.admin_api import AdminApi
from tests.support.servers.admin_faults import Fault
from tests.support.servers.auth_rules import IDENTITIES, Bcrypt, Refused


@pytest.fixture
def client(admin_api: AdminApi) -> Iterator[Client]:
    with httpx.Client(timeout=5) as http:
        options = ClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
        yield create_client(admin_api.url, admin_api.service_role_key, options)


def refusal(call: Callable[[], Any]) -> tuple[int, str | None]:
    with pytest.raises(AuthApiError) as caught:
        call()
    return caught.value.status, caught.value.code


def user(**attributes: Any) -> Any:
    return {"email": "ann@example.com", **attributes}


def test_a_user_is_made_with_the_given_id_and_both_kinds_of_metadata(client: Client, auth_users: AuthUsers) -> None:
    user_id = str(uuid4())
    made = client.auth.admin.create_user(
        user(id=user_id, app_metadata={"tripwire": {"kind": "student"}}, user_metadata={"full_name": "Ann"})
    ).user
    assert made.id == user_id
    assert made.app_metadata == {"provider": "email", "providers": ["email"], "tripwire": {"kind": "student"}}
    assert auth_users.one()["raw_user_meta_data"] == {"full_name": "Ann"}


def test_without_an_id_one_is_chosen(client: Client, auth_users: AuthUsers) -> None:
    made = client.auth.admin.create_user(user()).user
    assert auth_users.ids() == {UUID(made.id)}


def test_an_email_is_kept_in_lower_case(client: Client, auth_users: AuthUsers) -> None:
    client.auth.admin.create_user(user(email="Ann@Example.com"))
    assert auth_users.one()["email"] == "ann@example.com"


def test_its_refusals_are_those_of_supabase(client: Client) -> None:
    admin = client.auth.admin
    user_id = str(uuid4())
    admin.create_user(user(id=user_id))
    assert refusal(lambda: admin.create_user(user())) == (422, "email_exists")
    assert refusal(lambda: admin.create_user(user(email="nobody"))) == (400, "validation_failed")
    assert refusal(lambda: admin.create_user(user(id=str(UUID(int=0)), email="b@example.com"))) == (
        400,
        "validation_failed",
    )
    assert refusal(lambda: admin.create_user(user(id=user_id, email="b@example.com"))) == (500, "unexpected_failure")
    assert refusal(lambda: admin.get_user_by_id(str(uuid4()))) == (404, "user_not_found")
    assert refusal(lambda: admin.update_user_by_id(str(uuid4()), {"email": "b@example.com"})) == (404, "user_not_found")
    assert refusal(lambda: admin.delete_user(str(uuid4()))) == (404, "user_not_found")


def test_a_creation_takes_a_weak_password_and_a_change_does_not(client: Client, admin_api: AdminApi) -> None:
    admin = client.auth.admin
    made = admin.create_user(user(password="1")).user
    assert admin_api.users.logs_in("ann@example.com", "1")
    with pytest.raises(AuthWeakPasswordError) as caught:
        admin.update_user_by_id(made.id, {"password": "12345"})
    assert caught.value.reasons == ["length"]


@pytest.mark.parametrize("password", ["x" * 73, "ы" * 37])
def test_a_password_of_more_than_72_bytes_is_refused(client: Client, auth_users: AuthUsers, password: str) -> None:
    admin = client.auth.admin
    assert refusal(lambda: admin.create_user(user(password=password))) == (400, "validation_failed")
    assert auth_users.all() == []
    made = admin.create_user(user(password="x" * 72)).user
    assert refusal(lambda: admin.update_user_by_id(made.id, {"password": password})) == (400, "validation_failed")


@pytest.mark.parametrize("email", ["анна@example.com", "ann@пример.kz", "a b@example.com", "ann@", "x" * 251 + "@a.kz"])
def test_an_email_that_is_no_ascii_or_none_is_refused(client: Client, auth_users: AuthUsers, email: str) -> None:
    admin = client.auth.admin
    assert refusal(lambda: admin.create_user(user(email=email))) == (400, "validation_failed")
    assert auth_users.all() == []
    made = admin.create_user(user()).user
    assert refusal(lambda: admin.update_user_by_id(made.id, {"email": email})) == (400, "validation_failed")


def test_an_email_of_somebody_else_is_422_at_a_creation_and_500_at_a_change(client: Client) -> None:
    admin = client.auth.admin
    admin.create_user(user())
    other = admin.create_user(user(email="b@example.com")).user
    assert refusal(lambda: admin.create_user(user(email="ANN@example.com"))) == (422, "email_exists")
    change = {"email": "ann@example.com"}
    assert refusal(lambda: admin.update_user_by_id(other.id, change)) == (500, "unexpected_failure")


def test_an_email_that_an_identity_alone_holds_exists_and_one_of_sso_does_not(
    client: Client, auth_users: AuthUsers
) -> None:
    admin = client.auth.admin
    with identities(auth_users):
        made = admin.create_user(user()).user
        auth_users.execute("update auth.users set email = 'new@example.com'")
        auth_users.execute(
            "insert into auth.users (id, email, is_sso_user) values (%s, 's@example.com', true)", uuid4()
        )
        auth_users.execute(
            "insert into auth.identities (user_id, provider, provider_id, identity_data)"
            """ select id, 'sso:1', '1', '{"email": "s@example.com"}' from auth.users where is_sso_user"""
        )
        assert refusal(lambda: admin.create_user(user())) == (422, "email_exists")
        assert (
            admin.create_user(user(email="s@example.com")).user.identities[0].identity_data["email"] == "s@example.com"
        )
        admin.update_user_by_id(made.id, {"email": "newer@example.com"})
        admin.create_user(user())


def test_a_change_sets_the_password_the_email_and_metadata(client: Client, admin_api: AdminApi) -> None:
    admin = client.auth.admin
    made = admin.create_user(user(password="old secret", app_metadata={"a": 1, "b": 2})).user
    changed = admin.update_user_by_id(
        made.id,
        {"password": "new secret", "email": "B@example.com", "app_metadata": {"a": None, "c": {"d": None}}},
    ).user
    assert changed.app_metadata == {"provider": "email", "providers": ["email"], "b": 2, "c": {"d": None}}
    assert admin_api.users.logs_in("b@example.com", "new secret")
    assert not admin_api.users.logs_in("b@example.com", "old secret")


def test_a_ban_keeps_somebody_out_until_it_is_lifted(client: Client, admin_api: AdminApi) -> None:
    admin = client.auth.admin
    made = admin.create_user(user(password="secret")).user
    banned = admin.update_user_by_id(made.id, {"ban_duration": "24h"}).user
    assert banned.banned_until is not None
    assert not admin_api.users.logs_in("ann@example.com", "secret")
    assert refusal(lambda: admin.update_user_by_id(made.id, {"ban_duration": "ever"})) == (400, "validation_failed")
    assert admin.update_user_by_id(made.id, {"ban_duration": "none"}).user.banned_until is None
    assert admin_api.users.logs_in("ann@example.com", "secret")


def test_somebody_who_has_a_phone_alone_has_no_email_in_the_table_and_an_empty_one_in_the_api(
    client: Client, auth_users: AuthUsers
) -> None:
    made = client.auth.admin.create_user({"phone": "77010000000"}).user
    assert (made.email, made.phone) == ("", "77010000000")
    assert auth_users.one()["email"] is None
    assert refusal(lambda: client.auth.admin.create_user({})) == (400, "validation_failed")


def test_more_passwords_at_once_than_there_is_time_for_all_end_in_504_and_fewer_all_succeed(
    database_url: str, auth_users: AuthUsers
) -> None:
    for count, status in ((21, 504), (20, 200)):
        with AdminApi(database_url, bcrypt=Bcrypt(seconds=1, at_once=count)) as api:
            assert made_at_once(api, count) == [status] * count
            assert len(auth_users.all()) == (count if status == 200 else 0)


def made_at_once(api: AdminApi, count: int) -> list[int]:
    statuses: list[int] = []

    def make(number: int) -> None:
        try:
            api.users.create({"email": f"{number}@example.com"})
            statuses.append(200)
        except Refused as refused:
            statuses.append(refused.status)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@contextmanager
def identities(auth_users: AuthUsers) -> Iterator[None]:
    auth_users.execute(IDENTITIES)
    try:
        yield
    finally:
        auth_users.execute("drop table auth.identities")


def test_a_page_holds_fifty_users(client: Client) -> None:
    for number in range(51):
        client.auth.admin.create_user(user(email=f"student{number}@example.com"))
    assert len(client.auth.admin.list_users()) == 50
    assert len(client.auth.admin.list_users(page=2)) == 1
    assert len(client.auth.admin.list_users(page=2, per_page=20)) == 20


def test_an_update_keeps_what_it_does_not_name(client: Client) -> None:
    made = client.auth.admin.create_user(user(app_metadata={"tripwire": {"kind": "student"}})).user
    changed = client.auth.admin.update_user_by_id(made.id, {"email": "new@example.com"}).user
    assert (changed.email, changed.app_metadata["tripwire"]) == ("new@example.com", {"kind": "student"})


def test_a_soft_deletion_keeps_the_row_and_a_hard_one_does_not(client: Client, auth_users: AuthUsers) -> None:
    made = client.auth.admin.create_user(user()).user
    client.auth.admin.delete_user(made.id, should_soft_delete=True)
    left = auth_users.one()
    assert left["deleted_at"] is not None
    assert "@" not in left["email"]
    assert (left["raw_app_meta_data"], left["raw_user_meta_data"]) == ({}, {})
    with pytest.raises(ValidationError, match="identity_data"):  # as the library meets the real one's answer
        client.auth.admin.get_user_by_id(made.id)
    again = client.auth.admin.create_user(user()).user
    client.auth.admin.delete_user(again.id)
    client.auth.admin.delete_user(made.id)
    assert auth_users.all() == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "no_authorization"),
        ({"apikey": "forged", "authorization": "Bearer forged"}, 401, "bad_jwt"),
        ({"apikey": "anon-key-of-the-tests", "authorization": "Bearer anon-key-of-the-tests"}, 403, "not_admin"),
    ],
)
def test_errors_without_a_version_asked_for_have_the_older_form(
    admin_api: AdminApi, headers: dict[str, str], status: int, code: str
) -> None:
    request = urllib.request.Request(f"{admin_api.url}/auth/v1/admin/users", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):
        pass
    with caught.value as answer:
        body = json.load(answer)
    assert (answer.status, body["code"], body["error_code"]) == (status, status, code)


def test_scripted_faults_come_in_their_order_and_then_it_is_honest_again(client: Client, admin_api: AdminApi) -> None:
    admin_api.script("POST", Fault.answer(429, "over_request_rate_limit"), None, Fault.nothing())
    names = []
    for number in range(4):
        try:
            client.auth.admin.create_user(user(email=f"student{number}@example.com"))
            names.append("made")
        except AuthError as error:
            names.append(type(error).__name__)
    assert names == ["AuthApiError", "made", "AuthRetryableError", "made"]
    assert [request.statuses for request in admin_api.made("POST")] == [[], [200], [], [200]]


def test_a_fault_that_lasts_ends_when_it_is_healed(client: Client, admin_api: AdminApi) -> None:
    admin_api.always("GET", Fault.answer(503))
    with pytest.raises(AuthError):
        client.auth.admin.list_users()
    admin_api.heal()
    assert client.auth.admin.list_users() == []


def test_faults_can_be_decided_request_by_request(client: Client, admin_api: AdminApi) -> None:
    admin_api.decide = lambda method, path: Fault.nothing() if method == "GET" and "users?" in path else None
    with pytest.raises(AuthError):
        client.auth.admin.list_users()
    client.auth.admin.create_user(user())


def test_carried_out_twice_the_second_answer_is_what_arrives(client: Client, admin_api: AdminApi) -> None:
    admin_api.script("POST", Fault.twice())
    assert refusal(lambda: client.auth.admin.create_user(user())) == (422, "email_exists")
    assert admin_api.made("POST")[0].statuses == [200, 422]
