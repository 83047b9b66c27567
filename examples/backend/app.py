"""The application: one repository for its whole life, the routes, errors as answers, and what a supervisor asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request

from examples.backend import managers, problems, students
from examples.backend.dependencies import Repository, jwt_secret
from tripwire_db import AsyncTripwireRepository, Unavailable

READY_SECONDS = 2.0
"""So long the database may take to answer a probe; the repository itself would wait for it for fifteen."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the repository when a worker starts, and close it after its last answer; bad settings end it at once."""
    app.state.jwt_secret = jwt_secret()
    async with AsyncTripwireRepository.from_env() as repository:
        app.state.repository = repository
        app.state.was_ready = False
        yield


app = FastAPI(title="Course", lifespan=lifespan, responses=problems.RESPONSES)
problems.install(app)
app.include_router(managers.router)
app.include_router(students.router)


@app.get("/live", tags=["supervisor"])
async def live() -> str:
    """Whether the process answers: what restarts it, if it does not. It asks the database nothing."""
    return "ok"


@app.get("/ready", tags=["supervisor"])
async def ready(request: Request, repository: Repository) -> str:
    """Whether requests may be sent here: the database answers, and had the schema that this release needs when it began."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            schema = await repository.check_schema()
    except TimeoutError:
        raise Unavailable(f"the database did not answer within {READY_SECONDS:g} s", applied=False) from None
    state = request.app.state
    state.was_ready = state.was_ready or schema.ready  # an upgrade that comes while we run is no reason to stop
    if not state.was_ready:
        raise Unavailable(f"the schema is at {schema.revision}, and {schema.expected} is needed", applied=False)
    return "ok"
