"""The example backend, over HTTP by real requests."""

import dataclasses
import json
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

import tripwire_db
from tests.conftest import MakeDatabase
from tests.examples.backend import Backend, running, token
from tripwire_db import PostgresAuth, TripwireRepository, migrations
from tripwire_db.embedded import Cluster, embedded_bin_dir, home

ANNA = {"email": "anna@course.kz", "full_name": "Anna", "price": "4500.50"}


@pytest.fixture(scope="module")
def backend(module_url: str) -> Iterator[Backend]:
    with running({"TRIPWIRE_DATABASE_URL": module_url}) as backend:
        yield backend


@pytest.fixture(scope="module")
def repository(module_url: str) -> Iterator[TripwireRepository]:
    with PostgresAuth(module_url) as auth, TripwireRepository.connect(module_url, auth=auth) as repository:
        yield repository


@pytest.fixture
def manager_id(repository: TripwireRepository) -> Iterator[UUID]:
    manager_id = repository.create_manager(email=f"{uuid4()}@sales.kz", full_name="Dana").user_id
    yield manager_id
    for student in repository.list_students(manager_id=manager_id):
        repository.delete_student(user_id=student.user_id, manager_id=manager_id)


def test_one_command_serves_on_the_embedded_server_and_leaves_no_server_running() -> None:
    folder = home() / "scratch" / f"example-{secrets.token_hex(4)}"
    environment = {"TRIPWIRE_DATABASE_URL": "", "TRIPWIRE_EMBEDDED_DIR": str(folder)}
    cluster = Cluster(embedded_bin_dir(), folder)
    try:
        with running(environment) as backend:
            headers = {"Authorization": f"Bearer {backend.said[0].strip().removeprefix('TOKEN=')}"}
            with httpx.Client(base_url=backend.url, headers=headers, timeout=60) as dana:
                assert dana.post("/students", json=ANNA).status_code == 201
                assert dana.get("/students").json()["total"] == 1
            backend.send(signal.SIGTERM)
            assert backend.wait() == 0
        assert not cluster.running
    finally:
        cluster.remove()


def test_from_the_sale_to_the_certificate(backend: Backend, repository: TripwireRepository, manager_id: UUID) -> None:
    admin = repository.create_manager(email="admin@sales.kz", full_name="Admin", role="admin")
    for lesson_id in (67, 68, 69):  # as long as a first report may count at once
        repository.update_lesson(lesson_id=lesson_id, manager_id=admin.user_id, duration_seconds=30)
    dana = backend.client("manager", manager_id)
    sold = dana.post("/students", json=ANNA)
    again = dana.post("/students", json=ANNA)
    assert (sold.status_code, again.status_code) == (201, 200)
    assert sold.json() == {**again.json(), "created": True}
    assert sold.json()["price"] == "4500.50"

    anna = backend.client("student", sold.json()["user_id"])
    for lesson_id in (67, 68, 69):
        watched = anna.post(f"/me/lessons/{lesson_id}/progress", json={"segments": [[0, 30]], "position": 30})
        assert watched.json()["qualified"], watched.text
        completed = anna.post(f"/me/lessons/{lesson_id}/completion")
        assert completed.status_code == 200, completed.text
    certificate = completed.json()["certificate"]
    assert backend.client().get(f"/certificates/{certificate['verification_code']}").json()["status"] == "valid"
    assert anna.get("/me").json()["student"]["modules_completed"] == 3

    assert dana.get("/sales/stats").json()["total_revenue"] == "4500.50"
    assert dana.get("/sales/leaderboard").json()[0]["manager_id"] == str(manager_id)
    assert len(dana.get("/sales/chart").json()) == 30
    assert dana.get("/students", params={"status": "completed"}).json()["rows"][0]["email"] == "anna@course.kz"
    assert [dana.delete(f"/students/{sold.json()['user_id']}").status_code for _ in range(2)] == [204, 204]
    assert dana.get(f"/students/{sold.json()['user_id']}").status_code == 404


def test_each_error_has_its_status_and_fields(
    backend: Backend, repository: TripwireRepository, manager_id: UUID, module_url: str
) -> None:
    other = repository.create_manager(email="other@sales.kz", full_name="Other").user_id
    dana = backend.client("manager", manager_id)
    theirs = backend.client("manager", other)
    student_id = dana.post("/students", json=ANNA).json()["user_id"]
    anna = backend.client("student", student_id)
    nobody = uuid4()

    def answer(given: httpx.Response) -> tuple[int, str, dict[str, object]]:
        body = given.json()
        assert given.headers["content-type"] == "application/problem+json", body
        assert body["status"] == given.status_code
        return given.status_code, body["title"], body["fields"]

    assert answer(dana.post("/students", json={**ANNA, "email": "no e-mail"})) == (
        422,
        "InvalidInput",
        {"argument": "email"},
    )
    assert answer(dana.post("/students", json={"email": "a@b.kz"})) == (422, "InvalidInput", {"argument": "full_name"})
    assert answer(theirs.post("/students", json=ANNA)) == (409, "EmailTaken", {"email": "anna@course.kz"})
    assert answer(dana.get(f"/students/{nobody}")) == (404, "NotFound", {"kind": "student", "key": str(nobody)})
    assert answer(theirs.delete(f"/students/{student_id}")) == (
        404,
        "NotFound",
        {"kind": "student", "key": student_id},
    )
    was_manager = backend.client("manager", nobody)
    assert answer(was_manager.post("/students", json={**ANNA, "email": "b@course.kz"}))[:2] == (403, "NotFound")
    status, title, fields = answer(anna.post("/me/lessons/67/completion"))
    assert (status, title, fields["percentage"], fields["needed"]) == (409, "VideoNotQualified", 0, 80)
    status, title, fields = answer(anna.post("/me/lessons/68/completion"))
    assert (status, title, fields["module_id"]) == (409, "ModuleLocked", 17)
    assert dana.put(f"/students/{student_id}/status", json={"status": "blocked"}).json()["changed"]
    assert answer(anna.post("/me/lessons/67/completion")) == (
        403,
        "StudentNotActive",
        {"user_id": student_id, "status": "blocked"},
    )
    with psycopg.connect(module_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (student_id uuid CONSTRAINT fk_orders REFERENCES public.users (id))")
        connection.execute("INSERT INTO orders VALUES (%s)", [student_id])
    status, title, fields = answer(dana.delete(f"/students/{student_id}"))
    assert (status, title, fields["table"], fields["constraint"]) == (409, "ConstraintViolated", "orders", "fk_orders")
    with psycopg.connect(module_url, autocommit=True) as connection:
        connection.execute("DROP TABLE orders")


def test_callers_are_who_their_token_says_and_nobody_without_one(backend: Backend, manager_id: UUID) -> None:
    refused = {
        "none": (backend.client(), 401),
        "signed by another": (
            backend.client("manager", manager_id, secret="another secret, just as long as ours"),
            401,
        ),
        "too old": (backend.client("manager", manager_id, exp=1), 401),
        "not for users": (backend.client("manager", manager_id, aud="anon"), 401),
        "no id": (backend.client("manager", "nobody"), 401),
        "a student's": (backend.client("student", manager_id), 403),
        "a mark that is none": (backend.client("manager", manager_id, app_metadata={"tripwire": "manager"}), 401),
        "what people write of themselves": (
            backend.client("", manager_id, user_metadata={"tripwire": {"kind": "manager"}}),
            403,
        ),
    }
    assert {name: client.get("/students").status_code for name, (client, _) in refused.items()} == {
        name: status for name, (_, status) in refused.items()
    }


@pytest.mark.parametrize("secret", ["", "short"])
def test_it_does_not_start_with_a_secret_that_anybody_could_sign_with(secret: str) -> None:
    with pytest.raises(AssertionError, match="SUPABASE_JWT_SECRET must have 32 characters"):
        Backend({"TRIPWIRE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "SUPABASE_JWT_SECRET": secret})


def test_the_description_of_the_api_is_made_of_our_results(backend: Backend) -> None:
    schemas = backend.client().get("/openapi.json").json()["components"]["schemas"]
    of_results = {name: kind for name in schemas if dataclasses.is_dataclass(kind := getattr(tripwire_db, name, None))}

    assert {
        "CreatedStudent",
        "StudentJourney",
        "VideoProgress",
        "LessonCompletion",
        "ManagerStats",
    } <= of_results.keys()
    for name, kind in of_results.items():
        assert set(schemas[name]["properties"]) == {field.name for field in dataclasses.fields(kind)}
    assert set(schemas["Page_Student_"]["properties"]) == {"rows", "next", "total"}
    assert "HTTPValidationError" not in schemas


def test_a_database_that_is_away_is_told_and_the_process_stays_alive() -> None:
    with running({"TRIPWIRE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}) as backend:
        client = backend.client()
        ready = client.get("/ready")
        assert (ready.status_code, ready.json()["title"], ready.json()["fields"]) == (
            503,
            "Unavailable",
            {"applied": False},
        )
        assert ready.headers["retry-after"] == "1"
        assert client.get("/live").json() == "ok"


def test_it_is_ready_from_the_schema_that_it_needs_and_stays_so_when_that_changes(make_database: MakeDatabase) -> None:
    older, newest = migrations.revisions()[-2:]
    url = make_database(migrated=older)
    with running({"TRIPWIRE_DATABASE_URL": url}) as backend:
        client = backend.client()

        def wait_until(status: int, text: str) -> None:
            """On a busy machine the database may be late for a probe."""
            deadline = time.monotonic() + 60
            while (answer := client.get("/ready")).status_code != status or text not in answer.text:
                assert time.monotonic() < deadline, answer.text

        wait_until(503, f"{newest} is needed")
        migrations.upgrade(url, quiet=True)
        wait_until(200, "ok")
        migrations.downgrade(url, older, quiet=True, accept_loss=True)
        wait_until(200, "ok")


def test_a_request_that_came_before_the_signal_is_answered_and_the_process_ends(
    manager_id: UUID, module_url: str
) -> None:
    body = json.dumps(ANNA).encode()
    head = (
        f"POST /students HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nContent-Type: application/json\r\n"
        f"Expect: 100-continue\r\nAuthorization: Bearer {token('manager', manager_id)}\r\n\r\n"
    )
    with running({"TRIPWIRE_DATABASE_URL": module_url}) as backend:
        address = urlsplit(backend.url)
        with socket.create_connection((address.hostname, address.port), timeout=60) as caller:
            caller.sendall(head.encode())
            assert caller.recv(1000).startswith(b"HTTP/1.1 100")  # the route is waiting for the body
            backend.send(signal.SIGTERM)
            backend.wait_for("(Shutting down)")
            caller.sendall(body)
            assert caller.recv(1000).startswith(b"HTTP/1.1 201")
        assert backend.wait() == 0
