"""Auth users by Supabase's Admin API, through the package `supabase`, which is loaded with the first call."""

import math
import re
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

from tripwire_db.auth.protocol import AuthUser, Claim, EmailExists, Mark, read_token
from tripwire_db.engine.fork import leave_to_parent, watch_forks
from tripwire_db.errors import AuthFailed, InvalidInput
from tripwire_db.postgres.encryption import warn_of_plain_http

if TYPE_CHECKING:
    import httpx
    from supabase import Client

T = TypeVar("T")

HASHES_AT_ONCE = 20
"""So many calls that have the auth service hash a password go out at once; bcrypt takes about 70 ms of one of its cores."""
EMAIL_CODES = {"email_exists", "user_already_exists"}
INPUT_CODES = {"validation_failed", "weak_password", "email_address_invalid"}
API_VERSION = "2024-01-01"
# The server, or a proxy before it, gave up waiting: what was asked may still happen after the answer.
TIMEOUT_STATUSES = {408, 504, 524}
# Nothing can be said after these without a look; every other 3xx and 4xx comes before anything is written.
UNCLEAR_STATUSES = {408, 409, 425}


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An answer that was not a success, or the lack of one; holds nothing that must not be printed."""

    status: int | None = None
    code: str = ""
    reason: str = ""
    sent: bool = True
    late: bool = False
    wait: str = ""

    @property
    def not_found(self) -> bool:
        # A 404 of another kind comes from a proxy or a wrong URL, and says nothing about the user.
        return self.status == 404 and (self.code == "user_not_found" or "user not found" in self.reason.lower())

    @property
    def email_exists(self) -> bool:
        return self.code in EMAIL_CODES or "already been registered" in self.reason

    @property
    def certain(self) -> bool:
        """True if nothing was written for sure."""
        if not self.sent:
            return True
        return self.status is not None and 300 <= self.status < 500 and self.status not in UNCLEAR_STATUSES

    @property
    def what(self) -> str:
        """What happened, as a part of a sentence."""
        if not self.sent:
            return "the auth service could not be reached"
        if self.status is None:
            return self.reason
        told = ": ".join(part for part in (self.code, self.reason) if part)
        return f"the auth service answered {self.status}{f' ({told})' if told else ''}"

    @property
    def advice(self) -> str:
        """What to do next, as a sentence."""
        match self.status:
            case None if not self.sent:
                return "check TRIPWIRE_SUPABASE_URL and the network, then call again"
            case 401 | 403:
                return "check TRIPWIRE_SERVICE_ROLE_KEY: it must be the service role's, not the anon key"
            case 429:
                return f"wait {self.wait or 'a minute'}, then call again"
            case int(status) if status < 400 or status in (404, 405):
                return "check TRIPWIRE_SUPABASE_URL, as in https://<project>.supabase.co"
            case _:
                return "call again"


class SupabaseAuth:
    """Makes, changes, finds and removes auth users by the Admin API, with the service role key; never signs in.

    One object serves many threads. Each call opens a connection of its own: a kept one may be closed by the far side
    just when a user is being made, which would turn a sure answer into an unclear one.

    Args:
        url: the project's, as in `https://abcd.supabase.co`.
        service_role_key: the secret one; it appears in no error, log or repr.
        timeout: seconds for the whole of a request and its answer. A call may take twice as long, since an unclear
            answer is followed by a look at the id.

    Raises:
        InvalidInput: a URL that is not http(s), an empty key, a timeout that is not a positive number.

    Examples:
        >>> SupabaseAuth("https://abcd.supabase.co", "service-role-key")
        SupabaseAuth('https://abcd.supabase.co')
    """

    def __init__(self, url: str, service_role_key: str, *, timeout: float = 10.0) -> None:
        self._url = _checked_url(url)
        self._key = _checked_key(service_role_key)
        self._timeout = _checked_timeout(timeout)
        self._begin()
        warn_of_plain_http(self._url)
        watch_forks(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._client: Client | None = None

    def after_fork(self) -> None:
        """In a child process: leave to the parent what is under way, and whose turn it is."""
        leave_to_parent(self._client)
        self._begin()

    def __repr__(self) -> str:
        return f"SupabaseAuth({self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the client; calls under way end as they would, and a later call makes another.

        No connection outlives its call, so there is none to close, and whoever shares this object is not disturbed.
        """
        with self._lock:
            self._client = None

    def create_user(self, *, id: UUID, email: str, password: str | None, full_name: str, mark: Mark) -> None:  # noqa: A002
        """Make the auth user with exactly this id; see `Auth.create_user`."""
        attributes: dict[str, Any] = {
            "id": str(id),
            "email": email,
            "email_confirm": True,
            "app_metadata": mark.app_metadata,
            "user_metadata": {"full_name": full_name},
        }
        if password is not None:
            attributes["password"] = password
        # Waiting for one's turn is no part of the timeout, which begins with the request.
        with self._turn:
            answer = self._ask(lambda client: client.auth.admin.create_user(attributes).user, secret=password)  # type: ignore[arg-type]
        if not isinstance(answer, _Refusal):
            if answer.id == str(id):
                return
            answer = _Refusal(
                reason="the auth service answered with another id than asked for (Auth before 2.155 does)"
            )
        _raise_bad_input(answer)
        if answer.certain and not answer.email_exists:
            raise AuthFailed(f"the auth user was not created: {answer.what}; {answer.advice}", applied=False)
        self._settle_creation(id, answer)

    def _settle_creation(self, id: UUID, answer: _Refusal) -> None:  # noqa: A002
        """Return if the user is there: the id was random, so no other call can have made it."""
        seen = self._look(id)
        if isinstance(seen, AuthUser):
            return
        if isinstance(seen, _Refusal):
            failure = AuthFailed(
                f"nobody can know whether the auth user {id} was created: {answer.what}, and looking for it failed "
                f"too: {seen.what}; call again with the same e-mail, which resumes it if it was",
                applied=None,
            )
        elif answer.late:
            failure = AuthFailed(
                f"the auth user {id} was not there when looked for, and may still come: {answer.what}; call again "
                "with the same e-mail, which resumes it if it does",
                applied=None,
            )
        else:
            failure = AuthFailed(f"the auth user was not created: {answer.what}; {answer.advice}", applied=False)
        raise EmailExists(failure, certain=answer.email_exists)

    def update_user(
        self,
        *,
        id: UUID,  # noqa: A002
        password: str | None = None,
        full_name: str | None = None,
        email: str | None = None,
        claim: Claim | None = None,
    ) -> None:
        """Change what is given of the auth user, in one request; see `Auth.update_user`."""
        attributes: dict[str, Any] = {}
        if password is not None:
            attributes["password"] = password
        if full_name is not None:
            attributes["user_metadata"] = {"full_name": full_name}
        if email is not None:
            attributes |= {"email": email, "email_confirm": True}
        if claim is not None:
            attributes["app_metadata"] = claim.app_metadata
        with self._turn if password is not None else nullcontext():
            answer = self._ask(
                lambda client: client.auth.admin.update_user_by_id(str(id), attributes).user,  # type: ignore[arg-type]
                secret=password,
            )
        if not isinstance(answer, _Refusal):
            if answer.id == str(id):
                return
            answer = _Refusal(reason="the auth service answered with another user than asked for")
        _raise_bad_input(answer)
        if answer.not_found:
            raise AuthFailed(f"the auth user {id} was not changed: there is none with this id; check it", applied=False)
        if answer.certain and not answer.email_exists:
            raise AuthFailed(f"the auth user {id} was not changed: {answer.what}; {answer.advice}", applied=False)
        self._settle_change(id, email, claim, answer)

    def _settle_change(self, id: UUID, email: str | None, claim: Claim | None, answer: _Refusal) -> None:  # noqa: A002
        """Return if the change is there: no other call can have set this token."""
        if answer.email_exists:
            taken = f"the auth user {id} was not changed: another one has the e-mail; use another e-mail"
            raise EmailExists(AuthFailed(taken, applied=False), certain=True)
        seen = self._look(id) if claim is not None else None
        if claim is not None and isinstance(seen, AuthUser) and seen.token == str(claim.token):
            return
        unclear = AuthFailed(
            f"nobody can know whether the auth user {id} was changed: {answer.what}; call again", applied=None
        )
        if email is not None:
            raise EmailExists(unclear, certain=False)  # an e-mail taken in a race is a plain 500
        raise unclear

    def delete_user(self, id: UUID) -> bool:  # noqa: A002
        """Remove the auth user for good, never softly; see `Auth.delete_user`."""
        answer = self._ask(lambda client: client.auth.admin.delete_user(str(id), should_soft_delete=False))
        if answer is None:
            return True
        if answer.not_found:
            return False
        if answer.certain:
            raise AuthFailed(f"the auth user {id} was not deleted: {answer.what}; {answer.advice}", applied=False)
        seen = self._look(id)
        if seen is None:
            return True
        if isinstance(seen, _Refusal):
            raise AuthFailed(
                f"nobody can know whether the auth user {id} was deleted: {answer.what}, and looking for it failed "
                f"too: {seen.what}; call again",
                applied=None,
            )
        hint = " (a foreign key to auth.users without ON DELETE looks like this)" if answer.status == 500 else ""
        raise AuthFailed(
            f"the auth user {id} is still there: {answer.what}{hint}; call again",
            applied=None if answer.late else False,
        )

    def find_user(self, id: UUID) -> AuthUser | None:  # noqa: A002
        """Look an auth user up by id; see `Auth.find_user`."""
        seen = self._look(id)
        if isinstance(seen, _Refusal):
            raise AuthFailed(f"the auth user {id} could not be looked up: {seen.what}; {seen.advice}", applied=False)
        return seen

    def _look(self, id: UUID) -> AuthUser | _Refusal | None:  # noqa: A002
        answer = self._ask(lambda client: self._get(client, f"/auth/v1/admin/users/{id}"))
        if isinstance(answer, _Refusal):
            return None if answer.not_found else answer
        if answer.get("id") != str(id):
            return _Refusal(reason="the auth service answered with another user than asked for")
        email, metadata = answer.get("email"), answer.get("app_metadata")
        return AuthUser(
            id,
            email if isinstance(email, str) and email else None,
            Mark.read(metadata),
            read_token(metadata),
            is_deleted=answer.get("deleted_at") is not None,
        )

    def _get(self, client: "Client", path: str) -> dict[str, Any]:
        """Read a JSON object past the library, whose model of a user refuses one that was softly deleted."""
        http = cast("httpx.Client", client.options.httpx_client)
        headers = {"apikey": self._key, "Authorization": f"Bearer {self._key}", "X-Supabase-Api-Version": API_VERSION}
        response = http.get(self._url + path, headers=headers).raise_for_status()
        return cast("dict[str, Any]", response.json())  # our client lets nothing else through

    def _ask(self, call: Callable[["Client"], T], *, secret: str | None = None) -> T | _Refusal:
        """Make one call; what the library raises becomes a value, so that nothing secret hangs from our errors."""
        import httpx
        from supabase import AuthError

        try:
            return call(self._connected())
        # ValueError: an answer that is no user, as pydantic tells it; RuntimeError: closed meanwhile.
        except (AuthError, ValueError, httpx.HTTPError, RuntimeError) as error:
            return self._refusal(error, secret)

    def _refusal(self, error: Exception, secret: str | None) -> _Refusal:
        import httpx

        from tripwire_db.auth.http import deadline_of

        if isinstance(error, UnicodeEncodeError):
            return _Refusal(code="validation_failed", reason="a text is not valid Unicode", sent=False)
        cause = error if isinstance(error, httpx.HTTPError) else error.__cause__
        if isinstance(cause, httpx.HTTPStatusError):
            return self._read(cause.response, secret)
        if not isinstance(cause, httpx.TransportError):
            return _Refusal(reason="the answer of the auth service could not be understood")
        deadline = deadline_of(cause.request)
        deadline.cancel()
        if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)):
            return _Refusal(sent=False)
        if deadline.expired or isinstance(cause, httpx.TimeoutException):
            return _Refusal(reason=f"no answer within {self._timeout:g} s", late=True)
        return _Refusal(reason=f"the connection broke before the answer ({type(cause).__name__})")

    def _read(self, response: "httpx.Response", secret: str | None) -> _Refusal:
        """Take status, code and reason from an error, in the form of any API version, or from what is none."""
        status = response.status_code
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        fields = body if isinstance(body, dict) else {}
        code = next((c for c in (fields.get("error_code"), fields.get("code")) if isinstance(c, str)), "")
        texts = [fields.get(name) for name in ("msg", "message", "error_description", "error")]
        weak = fields.get("weak_password")
        if isinstance(weak, dict) and isinstance(weak.get("reasons"), list):
            code = code or "weak_password"
            texts.append("password too weak: " + ", ".join(str(reason) for reason in weak["reasons"]))
        reason = "; ".join(text for text in texts if isinstance(text, str) and text)
        after = response.headers.get("retry-after", "")
        return _Refusal(
            status=status,
            code=self._printable(code, secret),
            reason=self._printable(reason, secret),
            late=status in TIMEOUT_STATUSES,
            wait=f"{after} s" if re.fullmatch(r"\d{1,6}", after) else "",
        )

    def _printable(self, text: str, secret: str | None) -> str:
        """One short line, without the key and the password, whatever the server echoed."""
        for hidden in filter(None, (self._key, secret)):
            text = text.replace(hidden, "***")
        return "".join(character if character.isprintable() else " " for character in text)[:200].strip()

    def _connected(self) -> "Client":
        with self._lock:
            if self._client is None:
                from supabase import ClientOptions, create_client

                from tripwire_db.auth.http import open_client

                http = open_client(self._timeout)
                options = ClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
                self._client = create_client(self._url, self._key, options)
            return self._client


def _raise_bad_input(answer: _Refusal) -> None:
    if answer.code in INPUT_CODES:
        raise InvalidInput(f"the auth service refused e-mail or password: {answer.reason or answer.code}")


def _checked_url(url: object) -> str:
    refused = InvalidInput("the Supabase URL must look like https://<project>.supabase.co, without user and query")
    if not isinstance(url, str) or not re.fullmatch(r"https?://[\x21-\x7e]+", url):
        raise refused
    try:
        parts = urlsplit(url)
        acceptable = bool(parts.hostname) and not (parts.username or parts.password or parts.query or parts.fragment)
        _ = parts.port
    except ValueError:
        raise refused from None
    if not acceptable:
        raise refused
    return url.rstrip("/")


def _checked_key(key: object) -> str:
    # Anything else cannot be in a header, and the HTTP library would print it in its complaint.
    if not isinstance(key, str) or not re.fullmatch(r"[\x21-\x7e]+", key):
        raise InvalidInput("the service role key must be a non-empty text without spaces or line breaks")
    return key


def _checked_timeout(seconds: object) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        raise InvalidInput("timeout must be a positive number of seconds")
    return float(seconds)
