"""`SupabaseAuth` by the real client over HTTP: what it asks, the answers that are sure, and what it never tells."""

import logging
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.backend.auth.conftest import TIMEOUT, AuthUsers
from tests.backend.auth.creation import EMAIL, PASSWORD, create, statuses, wait_until
from tests.support.servers.admin_api import AdminApi
from tests.support.servers.admin_faults import Fault
from tripwire_db.auth import AuthUser, Claim, EmailExists, Mark, SupabaseAuth
from tripwire_db.errors import AuthFailed, InvalidInput

# --- what is asked -------------------------------------------------------------------------------------------------


def test_a_creation_is_one_request_with_a_confirmed_email_and_the_mark(
    supabase_auth: SupabaseAuth, admin_api: AdminApi
) -> None:
    user_id = create(supabase_auth)
    (request,) = admin_api.requests
    assert (request.method, request.path) == ("POST", "/auth/v1/admin/users")
    assert request.body == {
        "id": str(user_id),
        "email": EMAIL,
        "email_confirm": True,
        "password": PASSWORD,
        "app_metadata": {"tripwire": {"kind": "student"}},
        "user_metadata": {"full_name": "Ann"},
    }


def test_a_change_is_one_request_with_what_is_given_alone(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    user_id, token = create(supabase_auth), uuid4()
    claim = Claim(Mark.STUDENT, token)
    supabase_auth.update_user(id=user_id, password="battery staple", full_name="Anna", claim=claim)
    supabase_auth.update_user(id=user_id, email="anna@example.com")
    whole, email = admin_api.made("PUT")
    assert whole.path == f"/auth/v1/admin/users/{user_id}"
    assert whole.body == {
        "password": "battery staple",
        "user_metadata": {"full_name": "Anna"},
        "app_metadata": {"tripwire": {"kind": "student", "token": str(token)}},
    }
    assert email.body == {"email": "anna@example.com", "email_confirm": True}


@pytest.mark.parametrize(
    "fault", [Fault.swallow(), Fault.failed_after(), Fault.garbage(done=True)], ids=lambda f: f.name
)
def test_a_claim_whose_answer_is_lost_is_settled_by_a_look_at_its_token(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, fault: Fault
) -> None:
    user_id = create(supabase_auth)
    admin_api.script("PUT", fault)
    supabase_auth.update_user(id=user_id, password="battery staple", claim=Claim(Mark.STUDENT, uuid4()))


@pytest.mark.parametrize("claim", [None, Claim(Mark.STUDENT, uuid4())], ids=["no claim", "claim"])
@pytest.mark.parametrize("fault", [Fault.nothing(), Fault.answer(500, "unexpected_failure")], ids=lambda f: f.name)
def test_a_change_of_which_nobody_can_know_says_so(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, fault: Fault, claim: Claim | None
) -> None:
    user_id = create(supabase_auth)
    admin_api.script("PUT", fault)
    with pytest.raises(AuthFailed, match="call again") as caught:
        supabase_auth.update_user(id=user_id, password="battery staple", claim=claim)
    assert caught.value.applied is None
    assert "staple" not in str(caught.value)


def test_without_a_password_none_is_sent(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    create(supabase_auth, password=None)
    assert "password" not in admin_api.requests[0].body


def test_a_deletion_is_one_request_and_never_a_soft_one(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    user_id = create(supabase_auth)
    supabase_auth.delete_user(user_id)
    request = admin_api.requests[-1]
    assert (request.method, request.user_id, request.body) == ("DELETE", user_id, {"should_soft_delete": False})


def test_nobody_ever_signs_in(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    user_id = create(supabase_auth)
    supabase_auth.find_user(user_id)
    supabase_auth.delete_user(user_id)
    assert all(request.path.startswith("/auth/v1/admin/users") for request in admin_api.requests)


# --- answers that are sure -----------------------------------------------------------------------------------------


def test_a_weak_password_is_invalid_input_with_the_reason(supabase_auth: SupabaseAuth) -> None:
    """A creation by the service key checks none, a change does."""
    user_id = create(supabase_auth, password="12345")
    with pytest.raises(InvalidInput, match=r"at least 6 characters.*length"):
        supabase_auth.update_user(id=user_id, password="12345")


@pytest.mark.parametrize(("email", "password"), [("анна@example.com", None), (EMAIL, "ы" * 37)])
def test_what_the_service_does_not_take_is_invalid_input(
    supabase_auth: SupabaseAuth, auth_users: AuthUsers, email: str, password: str | None
) -> None:
    with pytest.raises(InvalidInput, match="refused e-mail or password"):
        create(supabase_auth, email=email, password=password)
    assert auth_users.all() == []


def test_a_user_that_was_softly_deleted_is_found_as_that(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    user_id = create(supabase_auth)
    admin_api.users.delete(user_id, soft=True)
    found = supabase_auth.find_user(user_id)
    assert found is not None
    assert (found.is_deleted, found.mark) == (True, None)
    assert supabase_auth.delete_user(user_id) is True
    assert supabase_auth.find_user(user_id) is None


def test_a_user_with_a_phone_alone_has_no_email(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    user_id = UUID(admin_api.users.create({"phone": "77010000000"})["id"])
    assert supabase_auth.find_user(user_id) == AuthUser(user_id, None, None)


def test_a_banned_user_is_found_and_may_be_changed(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    user_id = create(supabase_auth)
    admin_api.users.update(user_id, {"ban_duration": "24h"})
    supabase_auth.update_user(id=user_id, full_name="Anna")
    assert supabase_auth.find_user(user_id) == AuthUser(user_id, EMAIL, Mark.STUDENT)


def test_a_weak_password_without_reasons_is_invalid_input_too(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    admin_api.script("POST", Fault.answer(422, "weak_password", "too simple"))
    with pytest.raises(InvalidInput, match="too simple"):
        create(supabase_auth)


def test_an_email_that_is_none_is_invalid_input_with_the_reason(supabase_auth: SupabaseAuth) -> None:
    with pytest.raises(InvalidInput, match="Unable to validate email address"):
        create(supabase_auth, email="not an e-mail")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.answer(401, "bad_jwt", "invalid JWT"), "TRIPWIRE_SERVICE_ROLE_KEY"),
        (Fault.answer(401), "TRIPWIRE_SERVICE_ROLE_KEY"),
        (Fault.answer(403, "not_admin", "User not allowed"), "TRIPWIRE_SERVICE_ROLE_KEY"),
        (Fault.answer(429, "over_request_rate_limit", "Request rate limit reached"), "wait a minute"),
        (Fault.answer(429, retry_after="17"), "wait 17 s"),
        (Fault.answer(429, retry_after="soon\tor later"), "wait a minute"),
        (Fault.answer(404), "TRIPWIRE_SUPABASE_URL"),
        (Fault.answer(301, location="https://elsewhere.example/"), "TRIPWIRE_SUPABASE_URL"),
        (Fault.garbage(status=404), "TRIPWIRE_SUPABASE_URL"),
        (Fault.answer(422, "signup_disabled", "Signups not allowed"), "signup_disabled: Signups not allowed"),
        (Fault.garbage(status=413), "413"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_a_sure_refusal_fails_at_once_says_why_and_is_not_tried_again(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, auth_users: AuthUsers, fault: Fault, message: str
) -> None:
    admin_api.script("POST", fault)
    with pytest.raises(AuthFailed, match=message) as caught:
        create(supabase_auth)
    assert caught.value.applied is False
    assert statuses(admin_api) == [("POST", False)]
    assert auth_users.all() == []


def test_the_anon_key_is_refused_and_named_for_what_it_is(admin_api: AdminApi) -> None:
    with SupabaseAuth(admin_api.url, admin_api.anon_key) as auth, pytest.raises(AuthFailed, match="not the anon key"):
        create(auth)


def test_a_service_that_is_not_there_certainly_created_nobody() -> None:
    with (
        SupabaseAuth("http://127.0.0.1:1", "key", timeout=TIMEOUT) as auth,
        pytest.raises(AuthFailed, match="could not be reached") as caught,
    ):
        create(auth)
    assert caught.value.applied is False


# --- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "provoke",
    [
        lambda api: api.script("POST", Fault.answer(500, "unexpected_failure", f"{api.service_role_key} {PASSWORD}")),
        lambda api: api.script("POST", Fault.answer(422, "weak_password", f"{PASSWORD} is weak")),
        lambda api: api.script("POST", Fault.answer(401, "bad_jwt", f"bad key {api.service_role_key}")),
        lambda api: api.script("POST", Fault.garbage(content=f'{{"id": "{PASSWORD}"}}'.encode())),
        lambda api: api.stop(),
    ],
)
def test_neither_key_nor_password_is_in_any_error_log_or_repr(
    supabase_auth: SupabaseAuth,
    admin_api: AdminApi,
    caplog: pytest.LogCaptureFixture,
    provoke: Callable[[AdminApi], Any],
) -> None:
    provoke(admin_api)
    caplog.set_level(logging.DEBUG)
    with pytest.raises((EmailExists, AuthFailed, InvalidInput)) as caught:
        create(supabase_auth)
    told = [repr(supabase_auth), caplog.text, *traceback.format_exception(caught.value)]
    error: BaseException | None = caught.value
    while error is not None:
        told += [repr(error), str(error), repr(getattr(error, "failure", ""))]
        error = error.__cause__ or error.__context__
    assert not [text for text in told if PASSWORD in text or admin_api.service_role_key in text]


def test_an_echo_of_the_server_is_cut_to_one_short_line(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    admin_api.script("POST", Fault.answer(422, "signup_disabled", "line\r\n\x1b[31mline" + "x" * 10_000))
    with pytest.raises(AuthFailed) as caught:
        create(supabase_auth)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("url", "key", "timeout"),
    [
        ("abcd.supabase.co", "key", 1),
        ("ftp://abcd.supabase.co", "key", 1),
        ("https://", "key", 1),
        ("https://user:secret@abcd.supabase.co", "key", 1),
        ("https://abcd.supabase.co?x=1", "key", 1),
        ("https://abcd.supabase.co:port", "key", 1),
        ("https://[abcd", "key", 1),
        (None, "key", 1),
        ("https://abcd.supabase.co", "", 1),
        ("https://abcd.supabase.co", "secret\nkey", 1),
        ("https://abcd.supabase.co", "ключ", 1),
        ("https://abcd.supabase.co", None, 1),
        ("https://abcd.supabase.co", "key", 0),
        ("https://abcd.supabase.co", "key", -1),
        ("https://abcd.supabase.co", "key", float("nan")),
        ("https://abcd.supabase.co", "key", float("inf")),
        ("https://abcd.supabase.co", "key", True),
        ("https://abcd.supabase.co", "key", "10"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(url: Any, key: Any, timeout: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        SupabaseAuth(url, key, timeout=timeout)
    assert "secret" not in str(caught.value)


def test_the_supabase_package_is_loaded_by_the_first_call_only() -> None:
    program = (
        "import sys; from tripwire_db.auth import SupabaseAuth; SupabaseAuth('https://abcd.supabase.co', 'key');"
        "print([name for name in sys.modules if name.split('.')[0] in {'supabase', 'supabase_auth', 'httpx'}])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_closing_during_a_call_ends_the_call_and_not_the_object(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, auth_users: AuthUsers
) -> None:
    admin_api.script("POST", Fault.late())
    user_id = uuid4()
    call = threading.Thread(target=create, args=(supabase_auth, user_id))
    call.start()
    wait_until(lambda: bool(admin_api.requests and admin_api.requests[0].statuses))
    supabase_auth.close()
    call.join(timeout=10)
    assert not call.is_alive()
    assert supabase_auth.find_user(user_id) is not None
