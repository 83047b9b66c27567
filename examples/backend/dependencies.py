"""What a route asks for: the repository, and who calls by the access token that Supabase Auth signed."""

import os
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tripwire_db import AsyncTripwireRepository, InvalidInput

LEAST_SECRET = 32
"""Characters: HS256 is as strong as its secret."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; `kind` is what tripwire-db made the auth user for, which nobody can edit of themselves."""

    user_id: UUID
    kind: str


def jwt_secret() -> str:
    """What Supabase Auth signs access tokens with, from the environment.

    Raises:
        InvalidInput: it is missing, or so short that anybody could sign.
    """
    secret = os.environ.get("SUPABASE_JWT_SECRET", "")
    if len(secret) < LEAST_SECRET:
        raise InvalidInput(
            f"SUPABASE_JWT_SECRET must have {LEAST_SECRET} characters or more: see the project's settings"
        )
    return secret


def repository(request: Request) -> AsyncTripwireRepository:
    """The worker's own, opened by the lifespan."""
    opened: AsyncTripwireRepository = request.app.state.repository
    return opened


def caller(request: Request, credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> Caller:
    """Read the token, and take no other algorithm than the one we expect.

    Raises:
        HTTPException: 401 for a token that was not signed by us, is not for users, or is too old.
    """
    try:
        claims = jwt.decode(
            credentials.credentials,
            request.app.state.jwt_secret,
            algorithms=["HS256"],
            audience="authenticated",
            options={"require": ["exp", "sub"]},
        )
        mark = (claims.get("app_metadata") or {}).get("tripwire") or {}
        return Caller(UUID(claims["sub"]), mark.get("kind", ""))
    except (jwt.InvalidTokenError, ValueError, AttributeError):
        raise HTTPException(401, "sign in again") from None


def _of_kind(kind: str, caller: Caller) -> UUID:
    if caller.kind != kind:
        raise HTTPException(403, f"this is for each {kind}")
    return caller.user_id


def manager_id(caller: Annotated[Caller, Depends(caller)]) -> UUID:
    """The manager who calls; 403 for anybody else."""
    return _of_kind("manager", caller)


def student_id(caller: Annotated[Caller, Depends(caller)]) -> UUID:
    """The student who calls; 403 for anybody else."""
    return _of_kind("student", caller)


Repository = Annotated[AsyncTripwireRepository, Depends(repository)]
ManagerId = Annotated[UUID, Depends(manager_id)]
StudentId = Annotated[UUID, Depends(student_id)]
