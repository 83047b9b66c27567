"""Errors as answers: the status says whose turn it is, the fields say what a screen needs (RFC 9457)."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from tripwire_db import (
    AuthFailed,
    Conflict,
    ConstraintViolated,
    InvalidInput,
    NotFound,
    Refused,
    StudentNotActive,
    TripwireError,
    Unavailable,
)

# The first that fits counts, so a class stands above its parents.
STATUS: Mapping[type[TripwireError], int] = {
    InvalidInput: 422,  # correct `argument`
    NotFound: 404,  # `kind` and `key` are not there
    StudentNotActive: 403,  # ask a manager; `status` says what the student is
    Refused: 409,  # not yet: `percentage` of `needed`, `module_id`, `modules_completed`
    Conflict: 409,  # take another `email`
    ConstraintViolated: 409,  # something refers to it: `schema`, `table`, `constraint`
    AuthFailed: 502,  # the service behind us; send it again
    Unavailable: 503,  # send it again: each call may be sent twice
    TripwireError: 500,  # ours to mend
}
RETRY_SECONDS = "1"


class Problem(BaseModel):
    """What went wrong. `title` is for programs, `detail` for people, `fields` for a screen in another language."""

    type: str
    title: str
    status: int
    detail: str
    fields: dict[str, Any] = {}


RESPONSES: dict[int | str, dict[str, Any]] = {"4XX": {"model": Problem}, "5XX": {"model": Problem}}


def install(app: FastAPI) -> None:
    """Have the application answer so."""
    app.add_exception_handler(TripwireError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_a_request)


def status_of(error: TripwireError) -> int:
    """The status of an error's class, or of its nearest parent's."""
    if isinstance(error, NotFound) and error.kind == "manager":
        return 403  # the managers are those who call: the token outlived the role
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


async def _of_ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TripwireError)  # noqa: S101 - installed for nothing else
    fields = {name: value for name, value in vars(error).items() if not isinstance(value, BaseException)}
    problem = Problem(
        type=error.page, title=type(error).__name__, status=status_of(error), detail=str(error), fields=fields
    )
    return _answer(problem)


async def _of_a_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - installed for nothing else
    first = error.errors()[0]
    argument = ".".join(str(part) for part in first["loc"][1:])
    problem = Problem(
        type="errors/invalid-input",
        title="InvalidInput",
        status=422,
        detail=f"{argument}: {first['msg']}",
        fields={"argument": argument},
    )
    return _answer(problem)


def _answer(problem: Problem) -> JSONResponse:
    headers = {"Retry-After": RETRY_SECONDS} if problem.status in {502, 503} else {}
    return JSONResponse(jsonable_encoder(problem), problem.status, headers, media_type="application/problem+json")
