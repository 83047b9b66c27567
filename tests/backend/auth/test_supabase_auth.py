"""`SupabaseAuth` by the real client over HTTP, against an Admin API that fails in every way."""

import logging
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.backend.auth.conftest import TIMEOUT, AuthUsers
from tests.support.servers.admin_api import AdminApi
from tests.support.servers.admin_faults import Fault
from tripwire_db.auth import AuthUser, Claim, EmailExists, Mark, SupabaseAuth
from tripwire_db.errors import AuthFailed, InvalidInput

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


# --- answers that are not ------------------------------------------------------------------------------------------

DONE_ALL_THE_SAME = [
    Fault.swallow(),
    Fault.late(),
    Fault.trickle("body"),
    Fault.trickle("head"),
    Fault.garbage(done=True),
    Fault.garbage(content=b"null", done=True),
    Fault.garbage(content=b"[]", done=True),
    Fault.garbage(content=b"{}", done=True),
    Fault.garbage(content=b"", done=True),
    Fault.garbage(content=b"[" * 100_000, done=True),
    Fault.garbage(content=b'{"id": "' + b"x" * 2_000_000 + b'"}', done=True),
    Fault.failed_after(500),
    Fault.failed_after(503),
    Fault.failed_after(502, ""),
    Fault.twice(),
    Fault.answered_twice(),
    Fault.other_user(),
]


@pytest.mark.parametrize("fault", DONE_ALL_THE_SAME, ids=lambda fault: fault.name)
def test_a_user_who_was_made_all_the_same_is_a_success(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, auth_users: AuthUsers, fault: Fault
) -> None:
    admin_api.script("POST", fault)
    user_id = create(supabase_auth)
    assert auth_users.ids() == {user_id}
    assert len(admin_api.made("POST")) == 1


NOT_DONE = [
    Fault.answer(500, "unexpected_failure", "Database error creating new user"),
    Fault.answer(500),
    Fault.answer(502),
    Fault.answer(503),
    Fault.answer(599),
    Fault.answer(409, "conflict"),
    Fault.nothing(),
    Fault.garbage(),
    Fault.garbage(status=500),
    Fault.garbage(status=503),
]


@pytest.mark.parametrize("fault", NOT_DONE, ids=lambda fault: fault.name)
def test_an_unclear_answer_is_settled_by_one_look_at_the_id(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, auth_users: AuthUsers, fault: Fault
) -> None:
    admin_api.script("POST", fault)
    with pytest.raises(EmailExists) as caught:
        create(supabase_auth)
    assert caught.value.certain is False
    assert caught.value.failure.applied is False
    assert "call again" in str(caught.value.failure)
    assert statuses(admin_api) == [("POST", False), ("GET", True)]
    assert auth_users.all() == []


def test_an_answer_that_is_none_of_the_services_is_called_that(
    supabase_auth: SupabaseAuth, admin_api: AdminApi
) -> None:
    admin_api.script("POST", Fault.garbage())
    with pytest.raises(EmailExists) as caught:
        create(supabase_auth)
    assert "could not be understood" in str(caught.value.failure)


@pytest.mark.parametrize("fault", [Fault.hang(), Fault.answer(504), Fault.answer(408)], ids=lambda fault: fault.name)
def test_after_a_timeout_a_user_who_is_not_there_may_still_come(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, fault: Fault
) -> None:
    admin_api.script("POST", fault)
    with pytest.raises(EmailExists) as caught:
        create(supabase_auth)
    assert caught.value.failure.applied is None
    assert "may still come" in str(caught.value.failure)


def test_a_user_made_after_everybody_gave_up_is_met_by_the_next_call(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, auth_users: AuthUsers
) -> None:
    admin_api.script("POST", Fault.overdue())
    user_id = uuid4()
    with pytest.raises(EmailExists):
        create(supabase_auth, user_id)
    (request,) = admin_api.made("POST")
    admin_api.release()
    wait_until(lambda: bool(request.statuses))
    assert auth_users.ids() == {user_id}
    with pytest.raises(EmailExists) as caught:
        create(supabase_auth)
    assert caught.value.certain


def test_the_loser_of_an_email_race_is_told_to_look_the_email_up(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, auth_users: AuthUsers
) -> None:
    winner = create(supabase_auth)
    admin_api.script("POST", Fault.lost_race())
    with pytest.raises(EmailExists) as caught:
        create(supabase_auth)
    assert caught.value.certain is False
    assert auth_users.ids() == {winner}


LOOKS_THAT_FAIL = [
    Fault.answer(503),
    Fault.answer(401, "bad_jwt"),
    Fault.answer(429),
    Fault.answer(404),
    Fault.garbage(),
    Fault.garbage(status=404),
    Fault.garbage(content=b"{}"),
    Fault.nothing(),
    Fault.late(),
    Fault.other_user(),
]


@pytest.mark.parametrize("look", LOOKS_THAT_FAIL, ids=lambda fault: fault.name)
@pytest.mark.parametrize("creation", [Fault.swallow(), Fault.nothing()], ids=lambda fault: fault.name)
def test_where_the_look_fails_too_nobody_can_know(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, creation: Fault, look: Fault
) -> None:
    admin_api.script("POST", creation)
    admin_api.script("GET", look)
    with pytest.raises(EmailExists) as caught:
        create(supabase_auth)
    assert caught.value.certain is False
    assert caught.value.failure.applied is None
    assert "nobody can know" in str(caught.value.failure)
    assert "call again with the same e-mail" in str(caught.value.failure)


def test_an_email_that_is_taken_stays_certain_where_the_look_fails(
    supabase_auth: SupabaseAuth, admin_api: AdminApi
) -> None:
    create(supabase_auth)
    admin_api.script("GET", Fault.answer(503))
    with pytest.raises(EmailExists) as caught:
        create(supabase_auth)
    assert caught.value.certain


@pytest.mark.parametrize(
    "fault", [Fault.hang(), Fault.late(), Fault.trickle("head"), Fault.trickle("body")], ids=lambda fault: fault.name
)
def test_the_slowest_service_takes_two_timeouts_and_no_more(admin_api: AdminApi, fault: Fault) -> None:
    admin_api.always("POST", fault)
    admin_api.always("GET", fault)
    with SupabaseAuth(admin_api.url, admin_api.service_role_key, timeout=TIMEOUT) as auth:
        create_once_to_load_the_library(auth)
        began = time.monotonic()
        with pytest.raises(EmailExists):
            create(auth)
        assert time.monotonic() - began < 2 * TIMEOUT + 0.5


def create_once_to_load_the_library(auth: SupabaseAuth) -> None:
    auth._connected()


# --- deletion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [fault for fault in DONE_ALL_THE_SAME if fault.name != "other user"],
    ids=lambda fault: fault.name,
)
def test_a_user_who_is_gone_all_the_same_is_deleted(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, auth_users: AuthUsers, fault: Fault
) -> None:
    user_id = create(supabase_auth)
    admin_api.script("DELETE", fault)
    deleted = supabase_auth.delete_user(user_id)
    # Carried out twice, the second time says that there was nobody; either way nobody is left.
    assert deleted is (fault.name != "twice")
    assert auth_users.all() == []


@pytest.mark.parametrize("fault", [*NOT_DONE, Fault.garbage(content=b"[]")], ids=lambda fault: fault.name)
def test_a_user_who_is_still_there_is_no_deletion(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, auth_users: AuthUsers, fault: Fault
) -> None:
    user_id = create(supabase_auth)
    admin_api.script("DELETE", fault)
    with pytest.raises(AuthFailed, match=f"{user_id} is still there") as caught:
        supabase_auth.delete_user(user_id)
    assert caught.value.applied is False
    assert auth_users.ids() == {user_id}
    assert supabase_auth.delete_user(user_id) is True


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_a_deletion_that_is_refused_for_sure_is_not_looked_after(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, status: int
) -> None:
    admin_api.script("DELETE", Fault.answer(status))
    with pytest.raises(AuthFailed, match="was not deleted") as caught:
        supabase_auth.delete_user(uuid4())
    assert caught.value.applied is False
    assert [request.method for request in admin_api.requests] == ["DELETE"]


def test_a_deletion_that_timed_out_may_still_come(supabase_auth: SupabaseAuth, admin_api: AdminApi) -> None:
    user_id = create(supabase_auth)
    admin_api.script("DELETE", Fault.hang())
    with pytest.raises(AuthFailed) as caught:
        supabase_auth.delete_user(user_id)
    assert caught.value.applied is None


@pytest.mark.parametrize("look", LOOKS_THAT_FAIL, ids=lambda fault: fault.name)
def test_a_deletion_whose_look_fails_is_known_to_nobody(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, look: Fault
) -> None:
    user_id = create(supabase_auth)
    admin_api.script("DELETE", Fault.swallow())
    admin_api.script("GET", look)
    with pytest.raises(AuthFailed, match="nobody can know") as caught:
        supabase_auth.delete_user(user_id)
    assert caught.value.applied is None
    assert supabase_auth.delete_user(user_id) is False


def test_a_foreign_key_that_forbids_the_deletion_is_hinted_at(
    supabase_auth: SupabaseAuth, auth_users: AuthUsers
) -> None:
    user_id = create(supabase_auth)
    auth_users.execute("create table orders (user_id uuid references auth.users)")
    auth_users.execute("insert into orders values (%s)", user_id)
    with pytest.raises(AuthFailed, match="foreign key"):
        supabase_auth.delete_user(user_id)
    auth_users.execute("drop table orders")


@pytest.mark.parametrize("fault", LOOKS_THAT_FAIL, ids=lambda fault: fault.name)
def test_a_look_that_fails_finds_nobody_and_says_so(
    supabase_auth: SupabaseAuth, admin_api: AdminApi, fault: Fault
) -> None:
    user_id = create(supabase_auth)
    admin_api.script("GET", fault)
    with pytest.raises(AuthFailed, match="could not be looked up"):
        supabase_auth.find_user(user_id)


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


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)
