"""supabase-py's client through a real PostgREST, one HTTP call a table: what most Supabase backends do."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from postgrest import SyncPostgrestClient

from benchmarks.rivals.usual import ACHIEVEMENTS, merged, watched
from benchmarks.tasks import Values
from tests.support.servers.postgrest import postgrest


class Distance(httpx.HTTPTransport):
    """An HTTP connection that counts its calls, each as far away as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.seconds = 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a call on."""
        self.calls += 1
        if self.seconds:
            time.sleep(self.seconds)
        return super().handle_request(request)


@contextmanager
def rest_client(database_url: str) -> Iterator[tuple[SyncPostgrestClient, Distance]]:
    """A client of a PostgREST of its own, as the role service_role."""
    with postgrest(database_url) as server:
        token = {"Authorization": f"Bearer {server.token('service_role', expires_in=7200)}"}
        distance = Distance()
        http = httpx.Client(base_url=server.url, headers=token, transport=distance, timeout=120)
        with SyncPostgrestClient(server.url, headers=token, http_client=http) as client:
            yield client, distance


def _find(client: SyncPostgrestClient, table: str, columns: str, **where: Any) -> Any:
    query = client.table(table).select(columns)
    for name, value in where.items():
        query = query.eq(name, str(value))
    return query.execute().data


def _change(client: SyncPostgrestClient, table: str, values: dict[str, Any], **where: Any) -> None:
    query = client.table(table).update(values)
    for name, value in where.items():
        query = query.eq(name, str(value))
    query.execute()


def _put(client: SyncPostgrestClient, table: str, values: Any) -> Any:
    return client.table(table).insert(values).execute().data


def _event(manager_id: str, action: str, user_id: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"manager_id": manager_id, "action_type": action, "target_user_id": user_id, "details": details}


def _create(client: SyncPostgrestClient, values: Values) -> None:
    user_id, manager_id = str(values["user_id"]), str(values["manager_id"])
    seller = _find(client, "users", "full_name", id=manager_id)[0]["full_name"]
    person = {"email": values["email"], "full_name": values["full_name"]}
    sold = {"granted_by": manager_id, "manager_name": seller, "price": 5000}
    _put(client, "users", {"id": user_id, "role": "student", **person})
    _put(client, "tripwire_users", {"user_id": user_id, **person, **sold})
    _put(client, "tripwire_user_profile", {"user_id": user_id, "total_modules": 3})
    _put(client, "module_unlocks", {"user_id": user_id, "module_id": 16})
    _put(client, "student_progress", {"user_id": user_id, "module_id": 16, "lesson_id": 67})
    _put(client, "video_tracking", {"user_id": user_id, "lesson_id": 67, "video_duration_seconds": 1800})
    _put(client, "user_statistics", {"user_id": user_id})
    earned = [{"user_id": user_id, "achievement_id": name, "required_value": n} for name, n in ACHIEVEMENTS.items()]
    _put(client, "user_achievements", earned)
    _put(client, "sales_activity_log", _event(manager_id, "user_created", user_id, {**person, "price": 5000}))


def _complete(client: SyncPostgrestClient, values: Values) -> None:
    user_id, now = str(values["user_id"]), datetime.now(UTC).isoformat()
    student = _find(client, "tripwire_users", "status, email, full_name, granted_by", user_id=user_id)[0]
    video = _find(client, "video_tracking", "is_qualified_for_completion", user_id=user_id, lesson_id=67)[0]
    if student["status"] != "active" or not video["is_qualified_for_completion"]:
        raise AssertionError("the student may not complete this lesson")
    done = {"status": "completed", "completed_at": now}
    _change(client, "student_progress", done, user_id=user_id, lesson_id=67)
    _change(client, "tripwire_users", {"modules_completed": 1}, user_id=user_id)
    _change(client, "tripwire_user_profile", {"modules_completed": 1, "completion_percentage": 33.33}, user_id=user_id)
    lessons = _find(client, "user_statistics", "lessons_completed", user_id=user_id)[0]["lessons_completed"]
    _change(client, "user_statistics", {"lessons_completed": lessons + 1}, user_id=user_id)
    first = {"current_value": 1, "is_completed": True, "completed_at": now}
    _change(client, "user_achievements", first, user_id=user_id, achievement_id="first_module_complete")
    _change(client, "user_achievements", {"current_value": 1}, user_id=user_id, achievement_id="tripwire_graduate")
    _put(client, "module_unlocks", {"user_id": user_id, "module_id": 17})
    _put(client, "student_progress", {"user_id": user_id, "module_id": 17, "lesson_id": 68})
    _put(client, "video_tracking", {"user_id": user_id, "lesson_id": 68, "video_duration_seconds": 1800})
    person = {"email": student["email"], "full_name": student["full_name"]}
    events = {"lesson_completed": {**person, "lesson_id": 67}, "module_unlocked": {**person, "module_id": 17}}
    log = [_event(student["granted_by"], action, user_id, details) for action, details in events.items()]
    _put(client, "sales_activity_log", log)


def _heartbeat(client: SyncPostgrestClient, values: Values) -> None:
    user_id = str(values["user_id"])
    student = _find(client, "tripwire_users", "status", user_id=user_id)[0]
    unlocked = _find(client, "module_unlocks", "id", user_id=user_id, module_id=16)
    if student["status"] != "active" or not unlocked:
        raise AssertionError("the student may not watch this video")
    video = _find(client, "video_tracking", "watched_segments", user_id=user_id, lesson_id=67)[0]
    union = merged(video["watched_segments"], values["start"])
    seen = {
        "watched_segments": union,
        "total_watched_seconds": watched(union),
        "last_position_seconds": values["start"],
        "watch_percentage": min(100, watched(union) * 100 // 1800),
    }
    _change(client, "video_tracking", seen, user_id=user_id, lesson_id=67)
    spent = _find(client, "user_statistics", "total_time_spent", user_id=user_id)[0]["total_time_spent"]
    _change(client, "user_statistics", {"total_time_spent": spent + 10}, user_id=user_id)


def _certificate(client: SyncPostgrestClient, values: Values) -> None:
    user_id = str(values["user_id"])
    columns = "modules_completed, email, full_name, granted_by"
    student = _find(client, "tripwire_users", columns, user_id=user_id)[0]
    there = (
        client.table("certificates").select("number").eq("user_id", user_id).is_("revoked_at", "null").execute().data
    )
    if there or student["modules_completed"] < 3:
        raise AssertionError("the student has a certificate, or modules are missing")
    certificate = {"user_id": user_id, "verification_code": values["code"], "url": values["url"]}
    number = _put(client, "certificates", {**certificate, "full_name": student["full_name"]})[0]["number"]
    issued = {"certificate_issued": True, "certificate_url": values["url"]}
    _change(client, "tripwire_user_profile", issued, user_id=user_id)
    details = {"email": student["email"], "full_name": student["full_name"], "number": number}
    _put(client, "sales_activity_log", _event(student["granted_by"], "certificate_issued", user_id, details))


def _log(client: SyncPostgrestClient, values: Values) -> None:
    user_id, manager_id = str(values["user_id"]), str(values["manager_id"])
    _find(client, "users", "role", id=manager_id)
    person = _find(client, "users", "email, full_name", id=user_id)[0]
    _put(client, "sales_activity_log", _event(manager_id, "email_sent", user_id, {"n": 1, **person}))


REST: dict[str, Callable[[SyncPostgrestClient, Values], None]] = {
    "create_tripwire_user": _create,
    "complete_lesson": _complete,
    "update_video_tracking": _heartbeat,
    "issue_certificate": _certificate,
    "log_activity": _log,
}
