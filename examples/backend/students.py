"""What a student asks for, and what anybody may: whether a certificate is valid."""

from fastapi import APIRouter
from pydantic import BaseModel

from examples.backend.dependencies import Repository, StudentId
from tripwire_db import CertificateCheck, LessonCompletion, StudentJourney, VideoProgress

router = APIRouter(tags=["students"])


class Watched(BaseModel):
    """What a player reports every ten seconds or so: stretches of the video and where it stands, in seconds."""

    segments: list[tuple[float, float]]
    position: float


@router.get("/me")
async def journey(user_id: StudentId, repository: Repository) -> StudentJourney:
    """Everything about oneself."""
    return await repository.get_student(user_id=user_id)


@router.post("/me/lessons/{lesson_id}/progress")
async def watch(lesson_id: int, watched: Watched, user_id: StudentId, repository: Repository) -> VideoProgress:
    """Take a player's report."""
    return await repository.update_video_tracking(
        user_id=user_id, lesson_id=lesson_id, segments=watched.segments, position=watched.position
    )


@router.post("/me/lessons/{lesson_id}/completion")
async def complete(lesson_id: int, user_id: StudentId, repository: Repository) -> LessonCompletion:
    """Complete a lesson; after the last one the certificate is there."""
    return await repository.complete_lesson(user_id=user_id, lesson_id=lesson_id)


@router.get("/certificates/{code}")
async def verify(code: str, repository: Repository) -> CertificateCheck:
    """Whether a certificate is valid; for anybody."""
    return await repository.verify_certificate(code=code)
