"""HTTP for the Admin API: a call ends in its time as a whole, and an answer is short, and JSON if it is a success.

httpx bounds each read and never the whole, so a server that drips would hold a call for ever; and the library takes any
200 for a deletion. Imported with the first call only, as the library is.
"""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import httpx

LARGEST_ANSWER = 1_000_000
"""Bytes; an auth user takes about two thousand."""


class Deadline:
    """Hangs up a call that has not ended in time, whatever it is waiting for by then.

    Attributes:
        expired: True once the time was up.
    """

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Learn which socket the call goes by; httpx calls this at each step of a request."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")

    def cancel(self) -> None:
        """The call has ended."""
        self._timer.cancel()

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            if self._socket is not None:
                with suppress(OSError):  # it has hung up by itself just now
                    # The plain socket's: the one of TLS would wait to say goodbye.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Short(httpx.SyncByteStream):
    """A stream that ends in an error where it gets longer than an honest answer can be."""

    def __init__(self, response: httpx.Response) -> None:
        self._stream = cast("httpx.SyncByteStream", response.stream)  # the client is a synchronous one
        self._request = response.request

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stream:
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise httpx.DecodingError("the answer is too long", request=self._request)
            yield chunk

    def close(self) -> None:
        self._stream.close()


def open_client(timeout: float) -> httpx.Client:
    """Give a client each of whose calls takes `timeout` seconds at most, on a connection of its own."""

    def begin(request: httpx.Request) -> None:
        deadline = Deadline(timeout)
        request.extensions = {**request.extensions, "deadline": deadline, "trace": deadline.trace}

    def check(response: httpx.Response) -> None:
        response.stream = _Short(response)
        try:
            content = response.read()
        finally:
            deadline_of(response.request).cancel()
        if response.is_success and content and not _is_object(content):
            raise httpx.DecodingError("not a JSON object", request=response.request)

    return httpx.Client(
        timeout=timeout,
        # A kept connection may be closed by the far side just when a user is being made.
        limits=httpx.Limits(max_keepalive_connections=0),
        event_hooks={"request": [begin], "response": [check]},
    )


def deadline_of(request: httpx.Request) -> Deadline:
    """The deadline of a request made by our client."""
    return cast("Deadline", request.extensions["deadline"])


def _is_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False
