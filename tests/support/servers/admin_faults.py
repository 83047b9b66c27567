"""Requests of the Admin API, and what can go wrong with one: `Fault.swallow()`, `Fault.answer(503)`, …"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What is put on the wire: a status, and a JSON document or raw bytes."""

    status: int
    body: Json | list[Any] | bytes = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request. Made by the class methods; the fields say how.

    Attributes:
        name: for records and reports.
        perform: how often the request is carried out.
        reply: sent instead of the true answer.
        deliver: how the answer goes out: `send`, `twice`, `never` (the connection is closed), `trickle head` or
            `trickle body`.
        hold: `before` or `after` carrying it out, wait until the client has given up; `released`: carry it out when
            the test says so.
        race: skip the look for the e-mail, as happens to the loser of a race.
    """

    name: str
    perform: int = 0
    reply: Reply | None = None
    deliver: str = "send"
    hold: str = ""
    race: bool = False

    @classmethod
    def answer(cls, status: int, code: str = "", message: str = "told to fail", **headers: str) -> Self:
        """An error, and nothing done; a code makes it GoTrue's own, none makes it a proxy's."""
        body: Json = {"code": status, "error_code": code, "msg": message} if code else {"message": message}
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return cls(f"answer {status}", reply=Reply(status, body, named))

    @classmethod
    def nothing(cls) -> Self:
        """The connection is closed without an answer; nothing done."""
        return cls("nothing", deliver="never")

    @classmethod
    def swallow(cls) -> Self:
        """Done, and the connection closed without an answer."""
        return cls("swallow", perform=1, deliver="never")

    @classmethod
    def garbage(cls, *, status: int = 200, content: bytes = b"<html>\x00\xff not JSON", done: bool = False) -> Self:
        """An answer that is none of GoTrue's."""
        return cls("garbage" + (" after" if done else ""), perform=int(done), reply=Reply(status, content))

    @classmethod
    def failed_after(cls, status: int = 500, code: str = "unexpected_failure") -> Self:
        """Done, and reported as failed."""
        return cls(f"done, then {status}", perform=1, reply=cls.answer(status, code).reply)

    @classmethod
    def late(cls) -> Self:
        """Done at once, answered only when the client has given up."""
        return cls("late", perform=1, hold="after")

    @classmethod
    def hang(cls) -> Self:
        """Neither done nor answered while the client waits."""
        return cls("hang", hold="before")

    @classmethod
    def overdue(cls) -> Self:
        """Done only when the test says so, by `AdminApi.release`: the client has long given up by then."""
        return cls("overdue", perform=1, hold="released")

    @classmethod
    def trickle(cls, part: str = "body") -> Self:
        """Done; the answer's `head` or `body` comes byte by byte, and never ends."""
        return cls(f"trickle {part}", perform=1, deliver=f"trickle {part}")

    @classmethod
    def twice(cls) -> Self:
        """Carried out twice, as by a proxy that tries again; the second answer is the one that arrives."""
        return cls("twice", perform=2)

    @classmethod
    def answered_twice(cls) -> Self:
        """Carried out once, the answer sent two times over."""
        return cls("answered twice", perform=1, deliver="twice")

    @classmethod
    def lost_race(cls) -> Self:
        """The e-mail's check came too early to see the winner: the unique index refuses, and that is a 500."""
        return cls("lost race", perform=1, race=True)

    @classmethod
    def other_user(cls) -> Self:
        """Done, and answered with another user's record, as by an Auth that ignores the id it was given."""
        now = datetime.now(UTC).isoformat()
        body = {"id": str(uuid4()), "aud": "", "created_at": now, "app_metadata": {}, "user_metadata": {}}
        return cls("other user", perform=1, reply=Reply(200, body))


@dataclass
class Request:
    """A request as it came in, and what became of it."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    fault: Fault | None
    statuses: list[int] = field(default_factory=list)

    @property
    def user_id(self) -> UUID | None:
        found = re.fullmatch(r"/auth/v1/admin/users/([0-9a-f-]{36})", self.path)
        return UUID(found[1]) if found else None
