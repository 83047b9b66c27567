"""Each caller with the client that browsers' back rooms use: supabase-py against a real PostgREST."""

from collections.abc import Iterator

import httpx
import pytest
from postgrest import APIError
from supabase import Client, ClientOptions, create_client

from tests.access import matrix
from tests.access.api import Api
from tests.access.matrix import SUBJECTS, Cell, cells
from tests.access.people import person, subject, token

PROGRESS = [cell for cell in cells(matrix.TABLES) if cell.what == "student_progress"]
LEADERBOARD = [cell for cell in cells(matrix.FUNCTIONS) if cell.what == "rpc_get_sales_leaderboard"]


class Gateway(httpx.BaseTransport):
    """What stands before PostgREST at Supabase: serves it under /rest/v1, and everything else not at all."""

    def __init__(self, postgrest: str) -> None:
        self._postgrest = httpx.URL(postgrest)
        self._transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.removeprefix(b"/rest/v1")
        assert path != request.url.raw_path, request.url
        request.url = self._postgrest.copy_with(raw_path=path)
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


@pytest.fixture
def client_of(api: Api) -> Iterator["ClientOf"]:
    """Give a factory: the client of a caller, made as an application makes it."""
    with httpx.Client(transport=Gateway(api.url), timeout=20) as http:
        yield ClientOf(http)


class ClientOf:
    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def __call__(self, who: str) -> Client:
        key = token("service_role" if who == "service_role" else "anon")
        options = ClientOptions(httpx_client=self._http, auto_refresh_token=False, persist_session=False)
        client = create_client("http://project.supabase.test", key, options)
        if who not in ("anon", "service_role"):
            client.postgrest.auth(token(who))
        return client


@pytest.mark.parametrize("cell", LEADERBOARD, ids=lambda cell: cell.who)
def test_the_leaderboard_answers_whom_the_matrix_says(client_of: ClientOf, cell: Cell) -> None:
    call = client_of(cell.who).rpc("rpc_get_sales_leaderboard", {"limit_count": 5})
    if cell.words:
        found = call.execute().data
        assert 1 <= len(found) <= 5
        assert found[0]["manager_id"] == str(person("boss"))  # who sold the most of all
    else:
        with pytest.raises(APIError) as refused:
            call.execute()
        assert refused.value.code == "42501"


@pytest.mark.parametrize("cell", PROGRESS, ids=lambda cell: cell.who)
def test_a_table_gives_each_caller_what_the_matrix_says(client_of: ClientOf, cell: Cell) -> None:
    query = client_of(cell.who).table("student_progress").select("*")
    if cell.who == "anon":
        with pytest.raises(APIError) as refused:
            query.execute()
        assert refused.value.code == "42501"
        return
    found = {row["user_id"] for row in query.execute().data}
    for which in SUBJECTS:
        name = subject(cell.who, which)
        if name != "unknown":  # who has no rows at all
            assert (str(person(name)) in found) == cell.reads(which), which
    if not cell.reads("other"):
        assert len(found) == len(cell.words)


@pytest.mark.parametrize("who", ["student", "sales_manager", "admin"])
def test_a_client_changes_nothing(client_of: ClientOf, who: str) -> None:
    students = client_of(who).table("tripwire_users")
    for write in (
        students.update({"price": 0, "status": "active"}).eq("user_id", str(person(who))),
        students.insert({"user_id": str(person("newcomer")), "email": "n@example.kz", "full_name": "N"}),
        students.upsert({"user_id": str(person(who)), "email": "n@example.kz", "full_name": "N"}),
        students.delete().eq("user_id", str(person(who))),
    ):
        with pytest.raises(APIError) as refused:
            write.execute()
        assert refused.value.code == "42501"
