"""The people of the matrix, and the rows that each of them has."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import jwt
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.access.matrix import CALLERS
from tests.support.servers.postgrest import JWT_SECRET

NAMES = UUID("7d0f4f0e-6a4e-4d0b-9c36-0b7a1f0f2d11")


def person(name: str) -> UUID:
    """Give the id of a person by name; the same in every run."""
    return uuid5(NAMES, name)


@dataclass(frozen=True)
class Row:
    """One row of a table: what a test inserts, and the columns that find it again."""

    table: str
    values: dict[str, Any]
    key: tuple[str, ...]

    @property
    def found_by(self) -> dict[str, Any]:
        return {column: self.values[column] for column in self.key}


PERSONAL = ("student", "blocked", "curator", "tech_support", "sales_manager", "admin")
"""Callers with a row of their own in every table; `unknown` has an auth user and nothing else."""

# A harmless change of each table, for UPDATE.
CHANGES: dict[str, dict[str, Any]] = {
    "users": {"full_name": "Changed"},
    "tripwire_users": {"price": 1},
    "tripwire_user_profile": {"completion_percentage": 1},
    "module_unlocks": {"unlocked_at": "2026-01-01T00:00:00Z"},
    "student_progress": {"started_at": "2026-01-01T00:00:00Z"},
    "video_tracking": {"last_position_seconds": 1},
    "user_achievements": {"required_value": 5},
    "user_statistics": {"total_time_spent": 1},
    "certificates": {"full_name": "Changed"},
    "modules": {"title": "Changed"},
    "lessons": {"title": "Changed"},
    "sales_activity_log": {"details": {"changed": True}},
}


def row(table: str, of: str, *, sold_by: str = "boss") -> Row:
    """Give the row that a person has in a table, complete enough to insert.

    In the log a caller is the manager who acted, and a student is whom the row is about, written by another manager.
    Modules and lessons belong to nobody, so there `of` only names one.
    """
    user_id = person(of)
    email = f"{of}@example.kz"
    number = 1000 + user_id.int % 1_000_000
    student = {"user_id": user_id}
    by_person = ("user_id",)
    match table:
        case "users":
            values = {"id": user_id, "email": email, "full_name": of, "role": role_of(of)}
            return Row(table, values, ("id",))
        case "tripwire_users":
            sold = {"email": email, "full_name": of, "granted_by": person(sold_by), "status": status_of(of)}
            return Row(table, student | sold, by_person)
        case "tripwire_user_profile" | "user_statistics":
            return Row(table, student, by_person)
        case "module_unlocks":
            return Row(table, student | {"module_id": 16}, by_person)
        case "student_progress":
            return Row(table, student | {"module_id": 16, "lesson_id": 67}, by_person)
        case "video_tracking":
            return Row(table, student | {"lesson_id": 67}, by_person)
        case "user_achievements":
            return Row(table, student | {"achievement_id": "first_module_complete"}, by_person)
        case "certificates":
            return Row(table, student | {"url": f"https://example.kz/{of}", "full_name": of}, by_person)
        case "modules":
            return Row(table, {"id": number, "position": number, "title": of, "archived": True}, ("id",))
        case "lessons":
            return Row(table, {"id": number, "module_id": 16, "title": of, "archived": True}, ("id",))
        case "sales_activity_log":
            acts = of in (*PERSONAL, "boss", "unknown")
            values = {
                "id": person(f"log of {of}"),
                "manager_id": user_id if acts else person("boss"),
                "action_type": "user_created",
                "target_user_id": person(f"student of {of}") if acts else user_id,
                "details": {"email": email, "full_name": of},
            }
            return Row(table, values, ("id",))
    raise LookupError(f"Say in tests/access/people.py what a row of {table} looks like.")


def role_of(name: str) -> str:
    """Give the role in public.users: callers are called after theirs."""
    return {"boss": "sales_manager", "blocked": "student"}.get(name, name if name in CALLERS else "student")


def status_of(name: str) -> str:
    return "blocked" if name == "blocked" else "active"


ROWS_OF_A_STUDENT = (
    "tripwire_users",
    "tripwire_user_profile",
    "module_unlocks",
    "student_progress",
    "video_tracking",
    "user_achievements",
    "user_statistics",
    "certificates",
)


def subject(who: str, which: str) -> str:
    """Name the person that `own`, `sold` or `other` means for a caller; anon and service_role are no persons."""
    if which == "other":
        return "stranger"
    name = who if who in (*PERSONAL, "unknown") else "student"
    return name if which == "own" else f"student of {name}"


def settle(connection: psycopg.Connection[Any]) -> None:
    """Write everybody and their rows into an empty course.

    Each caller has rows of their own and has sold one student; `boss` is another manager, who sold the callers
    themselves and the stranger; `newcomer` has an auth user only, so that rows can be made for somebody.
    """
    sellers = (*PERSONAL, "unknown")
    students = {**dict.fromkeys(PERSONAL, "boss"), **{f"student of {who}": who for who in sellers}, "stranger": "boss"}
    others = ("boss", "unknown", "newcomer")
    for name in (*students, *others):
        connection.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", [person(name), f"{name}@example.kz"])
    for name in (*students, "boss"):
        insert(connection, row("users", name))
    for name, seller in students.items():
        for table in ROWS_OF_A_STUDENT:
            insert(connection, row(table, name, sold_by=seller))
    for name in (*students, "boss", "unknown"):
        insert(connection, row("sales_activity_log", name))
    insert(connection, Row("sales_activity_log", {"action_type": "certificate_issued"}, ()))
    for name in (*students, "unknown"):
        insert(connection, row("modules", name))
        insert(connection, row("lessons", name))


def insert(connection: psycopg.Connection[Any], new: Row) -> None:
    connection.execute(insertion(new), parameters(new.values))


def insertion(new: Row) -> sql.Composed:
    return sql.SQL("INSERT INTO public.{} ({}) VALUES ({})").format(
        sql.Identifier(new.table),
        sql.SQL(", ").join(map(sql.Identifier, new.values)),
        sql.SQL(", ").join(sql.Placeholder() * len(new.values)),
    )


def parameters(values: dict[str, Any]) -> list[Any]:
    return [Jsonb(value) if isinstance(value, dict) else value for value in values.values()]


def claims(who: str, **more: Any) -> dict[str, Any]:
    """Give the claims of a caller's token, as Supabase Auth signs them; keyword arguments add or, with None, remove."""
    role = who if who in ("anon", "service_role") else "authenticated"
    found = {"role": role, "exp": int(time.time()) + 600, "aud": "authenticated"}
    if role == "authenticated":
        found |= {"sub": str(person(who)), "email": f"{who}@example.kz"}
    return {name: value for name, value in (found | more).items() if value is not None}


def token(who: str, *, secret: str = JWT_SECRET, **more: Any) -> str:
    """Sign the token of a caller."""
    return jwt.encode(claims(who, **more), secret, algorithm="HS256")
