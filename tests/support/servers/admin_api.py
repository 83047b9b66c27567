"""A small server that speaks the Admin API of Supabase Auth and keeps its users in the stand-in's `auth.users`.

It answers, and fails, as the real one does (`auth_rules` lists what was copied), and it does worse when told to:

    with AdminApi(database_url) as api:
        api.script("POST", Fault.swallow(), None)   # the first creation commits and is never answered, the next is fine
        api.always("GET", Fault.answer(503))        # every look fails, until api.heal()
        SupabaseAuth(api.url, api.service_role_key)
"""

import json
import re
import select
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import psycopg

from tests.support.servers.admin_faults import Fault, Json, Reply, Request
from tests.support.servers.auth_rules import AuthRules, Bcrypt, Refused

SERVICE_ROLE_KEY = "service-role-key-of-the-tests"
ANON_KEY = "anon-key-of-the-tests"
API_VERSION = "2024-01-01"

Decide = Callable[[str, str], Fault | None]


class AdminApi:
    """The server: a context manager that listens on a free port of 127.0.0.1 while it is entered."""

    def __init__(
        self, database_url: str, *, service_role_key: str = SERVICE_ROLE_KEY, bcrypt: Bcrypt | None = None
    ) -> None:
        self.service_role_key = service_role_key
        self.anon_key = ANON_KEY
        self.requests: list[Request] = []
        self.decide: Decide | None = None
        """Asked with method and path where no script applies; for faults by chance."""
        self.database_url = database_url
        self.users = AuthRules(database_url, bcrypt)
        """What stands behind the wire."""
        self._lock = threading.Lock()
        self._scripts: dict[str, deque[Fault | None]] = defaultdict(deque)
        self._always: dict[str, Fault] = {}
        self._closing = threading.Event()
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        # A short poll, so that tests do not wait half a second for each server to stop.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="admin-api", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The project's URL, for `SupabaseAuth`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Stop listening; requests that are held are let go."""
        self._closing.set()
        self._released.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def script(self, method: str, *faults: Fault | None) -> None:
        """What happens to the next requests of this method, one each; None is an honest answer."""
        with self._lock:
            self._scripts[method].extend(faults)

    def always(self, method: str, fault: Fault) -> None:
        """What happens to every request of this method that no script covers."""
        with self._lock:
            self._always[method] = fault

    def heal(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._scripts.clear()
            self._always.clear()
            self.decide = None

    def made(self, method: str) -> list[Request]:
        """The requests of this method so far, oldest first."""
        with self._lock:
            return [request for request in self.requests if request.method == method]

    def next_fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            if self._scripts[method]:
                return self._scripts[method].popleft()
            if method in self._always:
                return self._always[method]
            decide = self.decide
        return decide(method, path) if decide else None

    def record(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def release(self) -> None:
        """Let overdue requests be carried out, those to come too."""
        self._released.set()

    def wait_for_release(self) -> None:
        self._released.wait()

    def hold(self, connection: socket.socket) -> None:
        """Wait until the client hangs up, or the server stops."""
        while not self._closing.is_set():
            readable, _, _ = select.select([connection], [], [], 0.05)
            if readable and not connection.recv(1, socket.MSG_PEEK):
                return

    @property
    def closing(self) -> threading.Event:
        return self._closing


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    api: AdminApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is what these tests are about; anything else is a fault of this server."""
        import sys

        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_POST(self) -> None:
        self._serve()

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

    def _serve(self) -> None:
        api = self.server.api
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        fault = api.next_fault(self.command, self.path) or Fault("", perform=1)
        body, readable = _json(raw)
        request = Request(self.command, self.path, dict(self.headers), body, fault if fault.name else None)
        api.record(request)
        if fault.hold == "before":
            api.hold(self.connection)
        elif fault.hold == "released":
            api.wait_for_release()
        reply = Reply(500)
        for _ in range(fault.perform):
            reply = self._answer(body, readable=readable, race=fault.race)
            request.statuses.append(reply.status)
        if fault.hold == "after":
            api.hold(self.connection)
        self._deliver(fault.reply or reply, fault.deliver)

    def _deliver(self, reply: Reply, how: str) -> None:
        if how == "never":
            self.close_connection = True
            return
        content = reply.content
        length = len(content) + (10_000_000 if how == "trickle body" else 0)
        lines = [
            f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('-',))[0]}",
            "Content-Type: application/json",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in reply.headers),
        ]
        head = "\r\n".join([*lines, "", ""]).encode()
        if how.startswith("trickle"):
            # A header that never ends, or a body that never does.
            self.connection.sendall(head[:-4] + b"\r\nX: " if how == "trickle head" else head)
            while not self.server.api.closing.wait(0.02):
                self.connection.sendall(b" ")
            return
        self.connection.sendall((head + content) * (2 if how == "twice" else 1))

    def _answer(self, body: Any, *, readable: bool, race: bool) -> Reply:
        try:
            self._authorize()
            if not readable:
                raise Refused(400, "bad_json", "Could not parse request body as JSON")
            return self._route(body if isinstance(body, dict) else {}, race=race)
        except Refused as refused:
            return self._refuse(refused)
        except psycopg.Error:
            return self._refuse(Refused(500, "unexpected_failure", "Database error"))

    def _refuse(self, refused: Refused) -> Reply:
        """An error in the form of the API version that the client asks for."""
        if self.headers.get("x-supabase-api-version", "") >= API_VERSION:
            told = {"code": refused.code, "message": refused.message, **refused.more}
            return Reply(refused.status, told, (("X-Supabase-Api-Version", API_VERSION),))
        told = {"code": refused.status, "error_code": refused.code, "msg": refused.message, **refused.more}
        return Reply(refused.status, told)

    def _authorize(self) -> None:
        api = self.server.api
        key = self.headers.get("apikey", "")
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        if not key:
            raise Refused(401, "no_authorization", "No API key found in request")
        if {key, bearer} - {api.service_role_key, api.anon_key}:
            raise Refused(401, "bad_jwt", "Invalid API key")
        if bearer != api.service_role_key:
            raise Refused(403, "not_admin", "User not allowed")

    def _route(self, body: Json, *, race: bool) -> Reply:
        target = urlsplit(self.path)
        found = re.fullmatch(r"/auth/v1/admin/users(?:/([^/]+))?", target.path)
        if found is None:
            raise Refused(404, "not_found", "no such path")
        if found[1] is None:
            match self.command:
                case "POST":
                    return Reply(200, self.server.api.users.create(body, race=race))
                case "GET":
                    query = parse_qs(target.query)
                    page, size = (
                        int(query.get(name, [""])[0] or usual) for name, usual in (("page", 1), ("per_page", 50))
                    )
                    users, total = self.server.api.users.list(page, size)
                    return Reply(200, {"users": users, "aud": "authenticated"}, (("X-Total-Count", str(total)),))
            raise Refused(405, "not_allowed", "method not allowed")
        try:
            user_id = UUID(found[1])
        except ValueError:
            raise Refused(404, "validation_failed", "user_id must be an UUID") from None
        users = self.server.api.users
        match self.command:
            case "GET":
                return Reply(200, users.get(user_id))
            case "PUT":
                return Reply(200, users.update(user_id, body))
            case "DELETE":
                users.delete(user_id, soft=bool(body.get("should_soft_delete")))
                return Reply(200, {})
        raise Refused(405, "not_allowed", "method not allowed")


def _json(raw: bytes) -> tuple[Any, bool]:
    try:
        return json.loads(raw or b"{}"), True
    except ValueError:
        return None, False
