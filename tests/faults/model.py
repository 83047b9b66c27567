"""A course life in plain Python: what a student's rows must say after any calls, as VIDEO.md and the design have it."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

LESSON_OF = {16: 67, 17: 68, 18: 69}
MODULES = tuple(LESSON_OF)
MODULE_OF = {lesson: module for module, lesson in LESSON_OF.items()}
DURATION_MS = 1_800_000
GAP_MS = 1000
Range = tuple[int, int]


def union(ranges: list[Range]) -> list[Range]:
    """The stretches, sorted, clipped to the video, overlapping ones and small gaps closed."""
    merged: list[Range] = []
    for start, end in sorted((start, min(end, DURATION_MS)) for start, end in ranges):
        if merged and start - merged[-1][1] <= GAP_MS:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


@dataclass
class Video:
    """What is stored of one lesson's video, in milliseconds."""

    ranges: list[Range] = field(default_factory=list)
    counted: int = 0
    allowance: int = 0
    seen_at: datetime | None = None
    qualified: bool = False

    def watch(self, reported: list[Range], now: datetime) -> None:
        self.ranges = union([*self.ranges, *reported])
        if self.seen_at is None:
            self.allowance += 30_000
        else:
            elapsed = int((now - self.seen_at).total_seconds() * 1000)
            self.allowance += 2 * min(max(elapsed, 0), 120_000)
        self.seen_at = now if self.seen_at is None else max(now, self.seen_at)
        unique = sum(end - start for start, end in self.ranges)
        self.counted = max(self.counted, min(unique, self.allowance))
        self.qualified = self.qualified or self.counted * 100 >= DURATION_MS * 80


@dataclass
class Student:
    """One student; `certificates` holds for each whether it is still valid, `password` what the caller was told."""

    user_id: UUID
    email: str
    manager_id: UUID
    password: str = ""
    status: str = "active"
    done: list[int] = field(default_factory=list)
    videos: dict[int, Video] = field(default_factory=lambda: {67: Video()})
    certificates: list[bool] = field(default_factory=list)
    welcomed: bool = False

    @property
    def may_study(self) -> bool:
        return self.status in {"active", "completed"}

    @property
    def holds_certificate(self) -> bool:
        return any(self.certificates)

    def may_complete(self, lesson: int) -> bool:
        """Whether a first completion of this lesson would be taken now."""
        return self.may_study and lesson not in self.done and lesson in self.videos and self.videos[lesson].qualified

    def set_status(self, status: str) -> bool:
        """Whether that changes anything; who has completed the course is completed, not active."""
        before = self.status
        self.status = "completed" if status == "active" and len(self.done) == len(MODULES) else status
        return self.status != before

    def complete(self, lesson: int) -> None:
        self.done.append(lesson)
        if len(self.done) == len(MODULES):
            self.status = "completed" if self.status == "active" else self.status
            self.certificates.append(True)
        else:
            following = MODULES[MODULES.index(MODULE_OF[lesson]) + 1]
            self.videos.setdefault(LESSON_OF[following], Video())

    def facts(self) -> dict[str, object]:
        """What a look into the database must find."""
        return {
            "email": self.email,
            "granted_by": self.manager_id,
            "status": self.status,
            "done": sorted(self.done),
            "videos": {
                lesson: (
                    [[start / 1000, end / 1000] for start, end in video.ranges],
                    video.counted,
                    video.allowance,
                    video.qualified,
                )
                for lesson, video in sorted(self.videos.items())
            },
            "certificates": (len(self.certificates), sum(self.certificates)),
            "welcomed": self.welcomed,
        }


FACTS = """SELECT s.user_id, s.email, s.granted_by, s.status, s.welcome_email_sent AS welcomed,
    (SELECT coalesce(array_agg(lesson_id ORDER BY lesson_id), '{}') FROM student_progress p
        WHERE p.user_id = s.user_id AND p.status = 'completed') AS done,
    (SELECT json_object_agg(lesson_id, json_build_array(watched_segments, counted_ms, allowance_ms,
        is_qualified_for_completion)) FROM video_tracking v WHERE v.user_id = s.user_id) AS videos,
    (SELECT json_build_array(count(*), count(*) FILTER (WHERE revoked_at IS NULL)) FROM certificates c
        WHERE c.user_id = s.user_id) AS certificates
    FROM tripwire_users s"""


def facts_of(row: dict[str, object]) -> dict[str, object]:
    """The same of a row of `FACTS`."""
    videos = {
        int(lesson): ([[part["start"], part["end"]] for part in segments], counted, allowance, qualified)
        for lesson, (segments, counted, allowance, qualified) in sorted(dict(row["videos"]).items())  # type: ignore[call-overload]
    }
    return {
        **{name: row[name] for name in ("email", "granted_by", "status", "done", "welcomed")},
        "videos": videos,
        "certificates": tuple(row["certificates"]),  # type: ignore[arg-type]
    }
