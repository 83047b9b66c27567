"""A Supabase project over HTTP: the Admin API, sign-in with a password, and a real PostgREST under /rest/v1."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

from tests.support.servers.admin_api import AdminApi
from tests.support.servers.postgrest import PostgREST

_HOP = {"host", "connection", "content-length", "transfer-encoding", "date", "server"}


@dataclass(frozen=True)
class Project:
    """Where it listens, and its secret key."""

    url: str
    service_role_key: str


@contextmanager
def project(superuser_url: str, postgrest: PostgREST) -> Iterator[Project]:
    """Serve both under one address."""
    key = postgrest.token("service_role")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._serve()

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.path == "/auth/v1/token?grant_type=password":
                self._sign_in(json.loads(body))
                return
            rest = self.path.removeprefix("/rest/v1")
            base = api.url if rest == self.path else postgrest.url
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            request = urllib.request.Request(base + rest, body or None, headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    self._answer(answer.status, answer.read())
            except urllib.error.HTTPError as refused:
                with refused:
                    self._answer(refused.code, refused.read())

        def _sign_in(self, asked: dict[str, str]) -> None:
            if not api.users.logs_in(asked["email"], asked["password"]):
                self._answer(400, b'{"code": "invalid_credentials", "message": "Invalid login credentials"}')
                return
            with psycopg.connect(superuser_url) as connection:
                row = connection.execute("SELECT id FROM auth.users WHERE email = %s", (asked["email"],)).fetchone()
            assert row is not None
            self._answer(200, json.dumps({"access_token": postgrest.token("authenticated", row[0])}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with AdminApi(superuser_url, service_role_key=key) as api:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="gateway", daemon=True)
        thread.start()
        try:
            yield Project(f"http://127.0.0.1:{server.server_address[1]}", key)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
