"""The auth user of a person between two calls: left behind, looked at, refused."""

from typing import Any
from uuid import UUID, uuid4

import psycopg

from tests.backend.flows.world import World
from tests.support.auth_service import AuthService
from tripwire_db import AuthFailed

EMAIL = "anna@course.kz"


def half_made(it: World, kind: str = "student", password: str | None = None, token: UUID | None = None) -> UUID:
    """What is left of a call that died between auth service and database."""
    user_id = uuid4()
    mark = {"kind": kind} if token is None else {"kind": kind, "token": str(token)}
    it.execute(
        "INSERT INTO auth.users (id, email, encrypted_password, raw_app_meta_data, raw_user_meta_data) VALUES"
        " (%s, %s, %s, jsonb_build_object('tripwire', %s::jsonb), '{\"full_name\": \"First\"}')",
        user_id,
        EMAIL,
        password,
        psycopg.types.json.Json(mark),
    )
    return user_id


def auth_user(it: World, user_id: UUID) -> dict[str, Any] | None:
    return it.connection.execute("SELECT * FROM auth.users WHERE id = %s", [user_id]).fetchone()


def refuse(method: str, auth: AuthService) -> None:
    """Let the auth service refuse every request of a kind."""

    def refusal(asked: str) -> None:
        if asked == method:
            raise AuthFailed("told to refuse; call again", applied=False)

    auth.before = refusal


def heal(auth: AuthService) -> None:
    auth.before = auth.after = lambda _: None
