"""What a manager asks for: their own students, and the sales of all."""

from contextlib import suppress
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel

from examples.backend.dependencies import ManagerId, Repository
from tripwire_db import (
    AsyncTripwireRepository,
    CreatedStudent,
    LeaderboardRow,
    ManagerStats,
    NotFound,
    Page,
    SalesDay,
    Student,
    StudentJourney,
    StudentStatus,
)
from tripwire_db.choices import Status

router = APIRouter(tags=["managers"])


class NewStudent(BaseModel):
    """Who is sold the course; the price in KZT, as text so that no browser rounds it."""

    email: str
    full_name: str
    password: str | None = None
    price: str | None = None


class NewStatus(BaseModel):
    """What a student is to be."""

    status: Status


@router.post("/students", status_code=201)
async def create_student(
    new: NewStudent, response: Response, manager_id: ManagerId, repository: Repository
) -> CreatedStudent:
    """Sell the course; sent again it answers 200 with the same student."""
    student = await repository.create_tripwire_user(
        email=new.email, full_name=new.full_name, password=new.password, price=new.price, manager_id=manager_id
    )
    if not student.created:
        response.status_code = 200
    return student


@router.get("/students")
async def list_students(
    manager_id: ManagerId,
    repository: Repository,
    *,
    status: Status | None = None,
    search: str | None = None,
    after: str | None = None,
    limit: int = 20,
) -> Page[Student]:
    """A page of one's own students, newest first; `next` leads on."""
    return await repository.list_students(
        manager_id=manager_id, status=status, search=search, after=after, limit=limit, count=True
    )


@router.get("/students/{user_id}")
async def get_student(user_id: UUID, manager_id: ManagerId, repository: Repository) -> StudentJourney:
    """Everything about one of one's own students."""
    return await _own(repository, manager_id, user_id)


@router.put("/students/{user_id}/status")
async def set_status(user_id: UUID, new: NewStatus, manager_id: ManagerId, repository: Repository) -> StudentStatus:
    """Block a student, or let them go on."""
    await _own(repository, manager_id, user_id)
    return await repository.set_student_status(user_id=user_id, status=new.status, manager_id=manager_id)


@router.delete("/students/{user_id}", status_code=204)
async def delete_student(user_id: UUID, manager_id: ManagerId, repository: Repository) -> None:
    """Remove a student, rows and login; sent again, it finishes what was left of that."""
    # Without rows there is nobody whose student it could be; the log knows whether there was one.
    journey = None
    with suppress(NotFound):
        journey = await repository.get_student(user_id=user_id)
    if journey is not None:
        _require_own(journey, manager_id)
    await repository.delete_student(user_id=user_id, manager_id=manager_id)


@router.get("/sales/leaderboard")
async def leaderboard(_: ManagerId, repository: Repository, limit: int = 10) -> list[LeaderboardRow]:
    """All sellers."""
    return await repository.get_sales_leaderboard(limit=limit)


@router.get("/sales/chart")
async def chart(
    manager_id: ManagerId, repository: Repository, since: date | None = None, until: date | None = None
) -> list[SalesDay]:
    """One's own sales, day by day."""
    return await repository.get_sales_chart_data(manager_id=manager_id, since=since, until=until)


@router.get("/sales/stats")
async def stats(manager_id: ManagerId, repository: Repository) -> ManagerStats:
    """One's own totals."""
    return await repository.get_manager_stats(manager_id=manager_id)


async def _own(repository: AsyncTripwireRepository, manager_id: UUID, user_id: UUID) -> StudentJourney:
    journey = await repository.get_student(user_id=user_id)
    _require_own(journey, manager_id)
    return journey


def _require_own(journey: StudentJourney, manager_id: UUID) -> None:
    """Another manager's student is not found, as if there were none."""
    if journey.student.manager_id != manager_id:
        raise NotFound("student", journey.student.user_id)
