"""PostgREST as a browser sees it: requests with a token, and nothing that they do is kept."""

import json
from typing import Any

import httpx

from tests.access import people
from tests.access.people import Row

# Answered as if committed, and rolled back: the server of these tests allows it (db-tx-end).
ROLLED_BACK = {"Prefer": "tx=rollback,return=representation"}


class Api:
    """A client of one PostgREST; each method takes who calls, or the headers of a caller with a token of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=20)

    def close(self) -> None:
        self._http.close()

    def request(self, method: str, path: str, who: str | dict[str, str], **more: Any) -> httpx.Response:
        headers = who if isinstance(who, dict) else bearer(who)
        return self._http.request(method, path, headers={**ROLLED_BACK, **headers, **more.pop("headers", {})}, **more)

    def select(self, who: str | dict[str, str], row: Row) -> httpx.Response:
        return self.request("GET", f"/{row.table}", who, params=_filter(row))

    def insert(self, who: str | dict[str, str], row: Row) -> httpx.Response:
        return self.request("POST", f"/{row.table}", who, content=json.dumps(row.values, default=str), headers=JSON)

    def update(self, who: str | dict[str, str], row: Row) -> httpx.Response:
        change = people.CHANGES[row.table]
        return self.request("PATCH", f"/{row.table}", who, params=_filter(row), json=change)

    def delete(self, who: str | dict[str, str], row: Row) -> httpx.Response:
        return self.request("DELETE", f"/{row.table}", who, params=_filter(row))

    def call(self, who: str | dict[str, str], function: str, arguments: dict[str, Any]) -> httpx.Response:
        return self.request("POST", f"/rpc/{function}", who, json=arguments)


JSON = {"Content-Type": "application/json"}


def bearer(who: str, **more: Any) -> dict[str, str]:
    """Give the headers of a caller; a visitor without a name sends no token."""
    return {} if who == "anon" and not more else {"Authorization": f"Bearer {people.token(who, **more)}"}


def _filter(row: Row) -> dict[str, str]:
    return {column: f"eq.{value}" for column, value in row.found_by.items()}
