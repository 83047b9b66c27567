"""What a student and a backend do at a Supabase project without the repository: sign in, and read by PostgREST."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tripwire_db.errors import Unavailable

if TYPE_CHECKING:
    import httpx

_SECONDS = 20.0


class ProjectApi:
    """The HTTP side of a project.

    Args:
        url: the project's, as in `https://abcd.supabase.co`.
        service_role_key: the secret one; it appears in no error.
    """

    def __init__(self, url: str, service_role_key: str) -> None:
        self._url = url
        self._key = service_role_key

    def sign_in(self, email: str, password: str) -> str:
        """Sign in with a password, and give the token that the student's browser would send.

        Raises:
            Unavailable: it was refused, or there was no answer; the message says what was answered.
        """
        answer = self._ask(
            "POST",
            "/auth/v1/token?grant_type=password",
            token=self._key,
            body={"email": email, "password": password},
        )
        return str(answer["access_token"])

    def read(self, table: str, *, token: str) -> list[dict[str, Any]]:
        """The rows of a table that this token may see."""
        rows: list[dict[str, Any]] = self._ask("GET", f"/rest/v1/{table}?select=*", token=token)
        return rows

    def call(self, function: str, arguments: dict[str, Any]) -> Any:
        """What a function answers the backend."""
        return self._ask("POST", f"/rest/v1/rpc/{function}", token=self._key, body=arguments)

    def _ask(self, method: str, path: str, *, token: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"apikey": self._key, "Authorization": f"Bearer {token}"}
        place = path.partition("?")[0]
        with _told(place):
            import httpx

            response = httpx.request(method, self._url + path, headers=headers, json=body, timeout=_SECONDS)
            if response.is_success:
                return response.json()
        raise Unavailable(f"{place} answered {response.status_code}{_reason(response)}", applied=None)


@contextmanager
def _told(place: str) -> Iterator[None]:
    import httpx

    try:
        yield
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(f"{place} gave no answer that could be read ({type(error).__name__})", applied=None) from None


def _reason(response: "httpx.Response") -> str:
    """What the service says of it, where that is a sentence."""
    try:
        body = response.json()
    except ValueError:
        return ""
    told = [body.get(name) for name in ("code", "error_code", "message", "msg")] if isinstance(body, dict) else []
    words = ": ".join(str(part) for part in told if part)
    return f" ({words})" if words else ""
