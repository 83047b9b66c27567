"""A TCP proxy before PostgreSQL that counts round trips, delays, cuts, and swallows answers.

    with Proxy(database_url) as proxy:
        repository = TripwireRepository.connect(proxy.url, …)
        proxy.reset()
        …
        assert proxy.round_trips == 1
        proxy.plan(Verdict.SWALLOW)     # the next request commits, and nobody hears of it
        proxy.refuse(2)                 # the next two connections are closed before a word is said

It reads the protocol as far as it must: a request is what the client sends up to a Query, a Sync, a Flush or a
FunctionCall, and an answer is what the server sends up to ReadyForQuery. Connecting is not counted.
"""

import contextlib
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
_ENDS_A_REQUEST = "QSHF"
_HELD_BACK = "PBDEC"


class Verdict(Enum):
    """What becomes of one request."""

    FORWARD = "forwarded, and answered"
    CUT_BEFORE = "the connection is cut before the server sees it"
    CUT_AFTER = "the connection is cut as soon as the server has been sent it"
    SWALLOW = "the server answers in full, then the connection is cut: the answer is lost"
    HANG = "the server answers, and the client hears nothing, on a connection that stays open"
    BLACK_HOLE = "the server never sees it, and the client hears nothing, on a connection that stays open"
    HOLD = "as BLACK_HOLE, but the server sees it later, when the test says so"

    @property
    def delivers(self) -> bool:
        """Whether the client hears the answer."""
        return self is Verdict.FORWARD


@dataclass(frozen=True)
class Request:
    """What a client sent in one go: the types of its messages, and all of their bytes."""

    types: str
    payload: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """Everything readable in it, statement and parameters, for a test's own judgement."""
        return self.payload.decode("utf-8", errors="replace")


Judge = Callable[[Request], Verdict]


class Proxy:
    """Listens on 127.0.0.1 and forwards to the server of a database URL, TCP or unix socket."""

    def __init__(self, url: str) -> None:
        self._target = _address(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = _through(url, self.port)
        self.delay = 0.0
        """Seconds that each request and each answer takes on the way; a round trip costs twice as much."""
        self.judge: Judge | None = None
        """Asked about each request for which `plan` has nothing; None forwards all."""
        self.refusing = False
        """Close every new connection before a word is said."""
        self.mute = False
        """Take new connections, and never say a word."""
        self._planned: deque[Verdict] = deque()
        self._refusals = 0
        self._released = threading.Event()
        self._held = 0
        self._arrived = threading.Condition()
        self._lock = threading.Lock()
        self._links: set[_Link] = set()
        self.reset()

    # -- counting -----------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Count from zero again."""
        with self._lock:
            self.round_trips = 0
            self.requests: list[Request] = []
            self.messages: Counter[str] = Counter()
            self.verdicts: Counter[Verdict] = Counter()

    def plan(self, *verdicts: Verdict) -> None:
        """Say what becomes of the next requests, one after another; later ones are forwarded."""
        with self._lock:
            self._planned.extend(verdicts)

    def refuse(self, connections: int) -> None:
        """Close the next so many connections before a word is said; later ones are taken."""
        with self._lock:
            self._refusals += connections

    def release(self, seconds: float = 10.0) -> None:
        """Let the server see what is held, and wait until it has answered it all; nothing is held any more."""
        self._released.set()
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._held == 0, seconds):
                raise AssertionError(f"{self._held} late requests were not answered")

    def hold(self) -> None:
        with self._arrived:
            self._held += 1
        self._released.wait()

    def arrived(self) -> None:
        with self._arrived:
            self._held -= 1
            self._arrived.notify_all()

    def heal(self) -> None:
        """Forget all plans, judgements and delays; what is held stays held, what is refused or mute stays so."""
        with self._lock:
            self._planned.clear()
            self._refusals = 0
        self.judge = None
        self.delay = 0.0
        self.refusing = self.mute = False

    def cut_all(self) -> None:
        """Cut every open connection."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.cut()

    @property
    def open_connections(self) -> int:
        with self._lock:
            return len(self._links)

    def decide(self, request: Request) -> Verdict:
        """Count a request and say what becomes of it."""
        with self._lock:
            self.round_trips += 1
            self.requests.append(request)
            self.messages.update(request.types)
            verdict = self._planned.popleft() if self._planned else None
        if verdict is None:
            verdict = self.judge(request) if self.judge is not None else Verdict.FORWARD
        with self._lock:
            self.verdicts[verdict] += 1
        return verdict

    # -- life ---------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # wakes accept(); a listener that is not connected says so
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._released.set()
        self.cut_all()

    def _turned_away(self) -> bool:
        with self._lock:
            planned = self._refusals > 0
            self._refusals -= planned
        return planned or self.refusing

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._turned_away():
                client.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                server = _connect(self._target)
            except OSError:  # the server is down: so are we, to this client
                client.close()
                continue
            link = _Link(self, client, server, mute=self.mute)
            with self._lock:
                self._links.add(link)
            link.start()

    def forget(self, link: "_Link") -> None:
        with self._lock:
            self._links.discard(link)


class _Link:
    """One client's connection: a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket, *, mute: bool) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._mute = mute
        self._ready = False  # connecting is over
        self._verdict = Verdict.FORWARD
        self._answered = threading.Event()
        self._pending = bytearray()

    def start(self) -> None:
        for target in (self._upstream, self._downstream):
            threading.Thread(target=self._guarded, args=(target,), name=f"proxy {target.__name__}", daemon=True).start()

    def cut(self) -> None:
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):  # the other thread, or the other side, was faster
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._proxy.forget(self)

    def _guarded(self, target: Callable[[], None]) -> None:
        try:
            target()
        except OSError:
            pass  # one side has gone; cut() takes the other one down
        finally:
            self._answered.set()
            self.cut()

    def _upstream(self) -> None:
        if self._mute:
            while self._client.recv(65536):
                pass
            return
        if not self._greet():
            return
        types = ""
        for messages in _batches(self._client):
            for kind, message in messages:
                self._pending += message
                types += kind
                if self._ready and kind in _HELD_BACK:
                    continue
                if self._ready and kind in _ENDS_A_REQUEST:
                    if not self._request(Request(types, bytes(self._pending))):
                        return
                else:
                    self._flush()
                types = ""

    def _request(self, request: Request) -> bool:
        """Forward a request as it is judged; False ends the connection."""
        self._verdict = self._proxy.decide(request)
        if self._verdict is Verdict.CUT_BEFORE:
            return False
        if self._verdict is Verdict.BLACK_HOLE:
            self._pending.clear()
            return True
        if self._verdict is Verdict.HOLD:
            self._proxy.hold()
            self._flush()
            self._answered.wait()  # the client has long gone, and its going must not cut this short
            self._proxy.arrived()
            return False
        if self._proxy.delay:
            time.sleep(self._proxy.delay)
        self._flush()
        return self._verdict is not Verdict.CUT_AFTER

    def _flush(self) -> None:
        self._server.sendall(self._pending)
        self._pending.clear()

    def _greet(self) -> bool:
        """Pass the untyped messages at the start; encryption is declined, as a server without it does."""
        while True:
            head = _exactly(self._client, 8)
            if head is None:
                return False
            length, code = struct.unpack("!II", head)
            if code in {SSL_REQUEST, GSS_REQUEST}:
                self._client.sendall(b"N")
                continue
            body = _exactly(self._client, length - 8)
            if body is None:
                return False
            self._server.sendall(head + body)
            return code != CANCEL_REQUEST

    def _downstream(self) -> None:
        for messages in _batches(self._server):
            ends = any(kind == "Z" for kind, _ in messages)
            was_ready, self._ready = self._ready, self._ready or ends
            if not was_ready or self._verdict.delivers:
                if ends and was_ready and self._proxy.delay:
                    time.sleep(self._proxy.delay)
                self._client.sendall(b"".join(message for _, message in messages))
            elif ends and self._verdict in {Verdict.SWALLOW, Verdict.HOLD}:
                return


def _batches(source: socket.socket) -> Iterator[list[tuple[str, bytes]]]:
    """Read whole messages, as many as have come; ends when the other side does."""
    buffer = bytearray()
    while received := source.recv(65536):
        buffer += received
        messages: list[tuple[str, bytes]] = []
        start = 0
        while len(buffer) - start >= 5:
            end = start + 1 + struct.unpack_from("!I", buffer, start + 1)[0]
            if len(buffer) < end:
                break
            messages.append((chr(buffer[start]), bytes(buffer[start:end])))
            start = end
        del buffer[:start]
        if messages:
            yield messages


def _exactly(source: socket.socket, size: int) -> bytes | None:
    received = bytearray()
    while len(received) < size:
        part = source.recv(size - len(received))
        if not part:
            return None
        received += part
    return bytes(received)


def _address(url: str) -> str | tuple[str, int]:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    host = query.get("host", [unquote(parts.hostname or "localhost")])[0]
    port = int(query.get("port", [parts.port or 5432])[0])
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


def _through(url: str, port: int) -> str:
    parts = urlsplit(url)
    credentials = quote(unquote(parts.username or ""), safe="")
    if parts.password is not None:
        credentials += ":" + quote(unquote(parts.password), safe="")
    return f"postgresql://{credentials}@127.0.0.1:{port}{parts.path}"


def _connect(target: str | tuple[str, int]) -> socket.socket:
    if isinstance(target, tuple):
        server = socket.create_connection(target, timeout=10)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    else:
        server = socket.socket(socket.AF_UNIX)
        server.connect(target)
    server.settimeout(None)
    return server
