"""How many calls of the auth service go out at once, and what waiting for one's turn costs: nothing of the time-out."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.support.servers.admin_api import AdminApi
from tripwire_db import PostgresAuth, SupabaseAuth, TripwireRepository
from tripwire_db.auth import Mark, supabase

AT_ONCE = 3
HASHING_SECONDS = 2.0
TIMEOUT_SECONDS = 5.0


def test_calls_that_hash_a_password_wait_for_their_turn_longer_than_a_call_may_take(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supabase, "HASHES_AT_ONCE", AT_ONCE)
    lock, under_way, most = threading.Lock(), 0, 0

    def hash_slowly(method: str, _: str) -> None:
        nonlocal under_way, most
        if method == "GET":
            return
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(HASHING_SECONDS)  # what bcrypt takes on a busy server
        with lock:
            under_way -= 1

    with AdminApi(database_url) as api, SupabaseAuth(api.url, api.service_role_key, timeout=TIMEOUT_SECONDS) as auth:
        api.decide = hash_slowly
        ids = [uuid4() for _ in range(2 * AT_ONCE + 1)]

        def create(n: int) -> None:
            auth.create_user(id=ids[n], email=f"u{n}@course.kz", password="password", full_name="U", mark=Mark.STUDENT)

        began = time.monotonic()
        with ThreadPoolExecutor(len(ids)) as threads:
            list(threads.map(create, range(len(ids))))
            assert time.monotonic() - began > TIMEOUT_SECONDS
            list(threads.map(lambda id: auth.update_user(id=id, password="another"), ids[: AT_ONCE + 1]))  # noqa: A006
        assert most == AT_ONCE
        assert all(auth.find_user(id) for id in ids)  # noqa: A001


def test_a_hundred_creations_at_once_over_one_connection_for_auth_users_all_succeed(database_url: str):
    with (
        PostgresAuth(database_url, pool_size=1) as auth,
        TripwireRepository.connect(database_url, auth=auth, pool_size=20) as repository,
    ):
        manager = repository.create_manager(email="m@sales.kz", full_name="M")

        def create(n: int) -> bool:
            return repository.create_tripwire_user(
                email=f"s{n}@course.kz", full_name="S", manager_id=manager.user_id
            ).created

        with ThreadPoolExecutor(100) as threads:
            assert all(threads.map(create, range(100)))
        (row,) = repository.get_sales_leaderboard(limit=1)
        assert row.total_students == 100
