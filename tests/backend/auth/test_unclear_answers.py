"""`SupabaseAuth` against an Admin API that fails in every way: an unclear answer is settled by one look, or told as that."""

import time
from uuid import uuid4

import pytest

from tests.backend.auth.conftest import TIMEOUT, AuthUsers
from tests.backend.auth.creation import create, statuses, wait_until
from tests.support.servers.admin_api import AdminApi
from tests.support.servers.admin_faults import Fault
from tripwire_db.auth import EmailExists, SupabaseAuth
from tripwire_db.errors import AuthFailed

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
