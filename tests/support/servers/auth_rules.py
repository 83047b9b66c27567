"""What Supabase Auth does with the users of its Admin API, over the real `auth.users` and, where they are, `auth.identities`.

Answers copied from the real server (after 2.196; tried, or read in its source):

| asked | answered |
|---|---|
| creation: password "1" | 200: an admin's creation checks no strength |
| creation: password of more than 72 bytes | 400 validation_failed |
| creation without a password | 200, and as much bcrypt as with one: a random one is set |
| change: password of fewer than 6 characters | 422 weak_password, reasons ["length"]; more than 72 bytes: 400 |
| e-mail that is no ASCII, or none | 400 validation_failed, at creation and change |
| creation: e-mail of another user, or of an identity alone | 422 email_exists; SSO users and identities do not count |
| creation: duplicate id, e-mail taken in a race, a trigger that fails | 500 unexpected_failure |
| change: e-mail of another user | 500 unexpected_failure, not 422 |
| creation: id that is no UUID, or nil | 400 validation_failed |
| creation with neither e-mail nor phone, or password and hash | 400 validation_failed |
| more bcrypt than there is time for (10 s) | 504 request_timeout, and nothing done |
| soft deletion | the row stays with `deleted_at`, a hash for e-mail, no metadata, identities without identity_data |
| a user without e-mail | NULL in the table, "" in the API |
| a ban | `banned_until`; "none" lifts it |
| somebody unknown | 404 user_not_found |
"""

import base64
import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.support.servers.admin_faults import Json

MAX_PASSWORD_BYTES = 72
MIN_PASSWORD_LENGTH = 6
_EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+"
    r"@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
_UNITS = {"s": 1, "m": 60, "h": 3600}

IDENTITIES = """
CREATE TABLE auth.identities (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    provider text NOT NULL,
    provider_id text NOT NULL,
    identity_data jsonb NOT NULL,
    email text GENERATED ALWAYS AS (lower(identity_data ->> 'email')) STORED,
    created_at timestamptz DEFAULT now(),
    CONSTRAINT identities_provider_id_provider_unique UNIQUE (provider_id, provider)
);
CREATE INDEX identities_email_idx ON auth.identities (email text_pattern_ops);
CREATE INDEX identities_user_id_idx ON auth.identities (user_id);
ALTER TABLE auth.identities ENABLE ROW LEVEL SECURITY;
"""
"""Makes the stand-in's schema `auth` one with linked identities, as Supabase Auth's own migrations do."""


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.more = status, code, message, more


@dataclass
class Bcrypt:
    """The time that hashing takes, reckoned and not slept: all at work share the cores evenly, so all are late together."""

    seconds: float = 0.0
    """Of a core, for each password."""
    at_once: int = 1
    """How many passwords are at work together; none is begun before so many have come."""
    cores: int = 2
    limit: float = 10.0
    """The longest that a request may take, in seconds."""

    def __post_init__(self) -> None:
        self._come = threading.Barrier(self.at_once)

    def hash(self, password: str) -> str:
        """Give something that only this password gives, if there is time for it."""
        self._come.wait(timeout=60)
        if self.seconds * max(1.0, self.at_once / self.cores) > self.limit:
            raise Refused(504, "request_timeout", "Processing this request timed out, please retry after a moment.")
        return "sha256$" + hashlib.sha256(password.encode()).hexdigest()


class AuthRules:
    """Supabase Auth's users: each method is one request of the Admin API, in one transaction."""

    def __init__(self, database_url: str, bcrypt: Bcrypt | None = None) -> None:
        self.bcrypt = bcrypt or Bcrypt()
        self._database_url = database_url

    def create(self, asked: Json, *, race: bool = False) -> Json:
        """Make a user; in a `race` the look for the e-mail came too early to see the winner."""
        email, phone = str(asked.get("email") or ""), str(asked.get("phone") or "")
        if not email and not phone:
            raise _invalid("Cannot create a user without either an email or phone")
        if email:
            email = _checked_email(email)
            if not race and self._holds(email):
                raise Refused(422, "email_exists", "A user with this email address has already been registered")
        if asked.get("password") is not None and asked.get("password_hash"):
            raise _invalid("Only a password or a password hash should be provided")
        hashed = asked.get("password_hash") or self._hash(asked.get("password") or uuid4().hex)
        user_id = _checked_id(asked.get("id"))
        providers = [name for name, value in (("email", email), ("phone", phone)) if value]
        now = datetime.now(UTC)
        row = {
            "id": user_id,
            "email": email or None,
            "phone": phone or None,
            "encrypted_password": hashed,
            "email_confirmed_at": now if asked.get("email_confirm") else None,
            "created_at": now,
            "raw_app_meta_data": Jsonb({"provider": providers[0], "providers": providers}),
            "raw_user_meta_data": Jsonb(asked.get("user_metadata") or {}),
        }
        try:
            with self._transaction() as cursor:
                cursor.execute(
                    f"INSERT INTO auth.users ({', '.join(row)}) VALUES ({', '.join(f'%({name})s' for name in row)})",
                    row,
                )
                self._identify(cursor, user_id, email)
                # Custom app_metadata arrives in a later UPDATE of the same transaction.
                _merge(cursor, user_id, "raw_app_meta_data", asked.get("app_metadata"))
                self._ban(cursor, user_id, asked.get("ban_duration"))
                return self._user(cursor, user_id)
        except psycopg.Error:
            # A duplicate id, an e-mail taken in a race, a trigger that fails: none is told from another.
            raise Refused(500, "unexpected_failure", "Database error creating new user") from None

    def get(self, user_id: UUID) -> Json:
        """One user, softly deleted or not."""
        with self._transaction() as cursor:
            return self._user(cursor, user_id)

    def list(self, page: int, size: int) -> tuple[list[Json], int]:
        """One page, newest first, and how many there are."""
        with self._transaction() as cursor:
            cursor.execute("SELECT count(*) AS total FROM auth.users")
            total = (cursor.fetchone() or {})["total"]
            cursor.execute(
                "SELECT id FROM auth.users ORDER BY created_at DESC, id LIMIT %s OFFSET %s", (size, (page - 1) * size)
            )
            return [self._user(cursor, row["id"]) for row in cursor.fetchall()], total

    def update(self, user_id: UUID, asked: Json) -> Json:
        """Change what is given; documents are merged by their top-level keys."""
        self.get(user_id)
        email = _checked_email(str(asked["email"])) if asked.get("email") else ""
        password = asked.get("password")
        if password is not None:
            _check_strength(password)
        hashed = None if password is None else self._hash(password)
        try:
            with self._transaction() as cursor:
                cursor.execute(
                    "UPDATE auth.users SET email = coalesce(%s, email), encrypted_password = coalesce(%s, encrypted_password),"
                    " email_confirmed_at = CASE WHEN %s THEN now() ELSE email_confirmed_at END WHERE id = %s",
                    (email or None, hashed, bool(asked.get("email_confirm")), user_id),
                )
                self._identify(cursor, user_id, email)
                _merge(cursor, user_id, "raw_app_meta_data", asked.get("app_metadata"))
                _merge(cursor, user_id, "raw_user_meta_data", asked.get("user_metadata"))
                self._ban(cursor, user_id, asked.get("ban_duration"))
                return self._user(cursor, user_id)
        except psycopg.Error:
            raise Refused(500, "unexpected_failure", "Error updating user") from None

    def delete(self, user_id: UUID, *, soft: bool) -> None:
        """Remove the row; or, softly, keep it without anything that tells who it was."""
        try:
            with self._transaction() as cursor:
                user = self._user(cursor, user_id)
                if not soft:
                    cursor.execute("DELETE FROM auth.users WHERE id = %s", (user_id,))
                elif "deleted_at" not in user:
                    cursor.execute(
                        "UPDATE auth.users SET email = %s, encrypted_password = NULL, deleted_at = now(),"
                        " raw_app_meta_data = '{}', raw_user_meta_data = '{}' WHERE id = %s",
                        (_obscured(user_id, user["email"]), user_id),
                    )
                    if _has_identities(cursor):
                        cursor.execute(
                            "UPDATE auth.identities SET identity_data = '{}', provider_id = md5(provider_id)"
                            " WHERE user_id = %s",
                            (user_id,),
                        )
        except psycopg.Error:
            raise Refused(500, "unexpected_failure", "Database error deleting user") from None

    def logs_in(self, email: str, password: str) -> bool:
        """Whether somebody who gives these is let in: no request of the Admin API, but what all of it is for."""
        with self._transaction() as cursor:
            cursor.execute(
                "SELECT encrypted_password AS hashed FROM auth.users WHERE email = lower(%s) AND NOT is_sso_user"
                " AND deleted_at IS NULL AND coalesce(banned_until < now(), true)",
                (email,),
            )
            row = cursor.fetchone()
        return row is not None and row["hashed"] == "sha256$" + hashlib.sha256(password.encode()).hexdigest()

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Json]]:
        with psycopg.connect(self._database_url, row_factory=dict_row) as connection, connection.cursor() as cursor:
            yield cursor

    def _hash(self, password: str) -> str:
        if len(password.encode()) > MAX_PASSWORD_BYTES:
            raise _invalid("bcrypt: password length exceeds 72 bytes")
        return self.bcrypt.hash(password)

    def _holds(self, email: str) -> bool:
        with self._transaction() as cursor:
            if _has_identities(cursor):
                cursor.execute(
                    "SELECT FROM auth.identities WHERE email = %s AND provider NOT LIKE 'sso:%%' LIMIT 1", (email,)
                )
                if cursor.rowcount:
                    return True
            cursor.execute("SELECT FROM auth.users WHERE lower(email) = %s AND NOT is_sso_user LIMIT 1", (email,))
            return cursor.rowcount > 0

    def _identify(self, cursor: psycopg.Cursor[Json], user_id: UUID, email: str) -> None:
        if email and _has_identities(cursor):
            cursor.execute(
                "INSERT INTO auth.identities (user_id, provider, provider_id, identity_data) VALUES (%s, 'email', %s, %s)"
                " ON CONFLICT ON CONSTRAINT identities_provider_id_provider_unique"
                " DO UPDATE SET identity_data = identities.identity_data || excluded.identity_data",
                (user_id, str(user_id), Jsonb({"sub": str(user_id), "email": email})),
            )

    def _ban(self, cursor: psycopg.Cursor[Json], user_id: UUID, duration: Any) -> None:
        if duration:
            until = None if duration == "none" else datetime.now(UTC) + _duration(str(duration))
            cursor.execute("UPDATE auth.users SET banned_until = %s WHERE id = %s", (until, user_id))

    def _user(self, cursor: psycopg.Cursor[Json], user_id: UUID) -> Json:
        cursor.execute("SELECT * FROM auth.users WHERE id = %s", (user_id,))
        row = cursor.fetchone()
        if row is None:
            raise Refused(404, "user_not_found", "User not found")
        created = (row["created_at"] or datetime.now(UTC)).isoformat()
        told = {
            "id": str(user_id),
            "aud": "authenticated",
            "role": "authenticated",
            "email": row["email"] or "",
            "phone": row["phone"] or "",
            "app_metadata": row["raw_app_meta_data"] or {},
            "user_metadata": row["raw_user_meta_data"] or {},
            "identities": [_identity(one, created) for one in _identities(cursor, row)],
            "created_at": created,
            "updated_at": created,
            "is_anonymous": row["is_anonymous"],
        }
        times = ("email_confirmed_at", "banned_until", "deleted_at")
        return told | {name: row[name].isoformat() for name in times if row[name] is not None}


def _identities(cursor: psycopg.Cursor[Json], user: Json) -> list[Json]:
    if _has_identities(cursor):
        cursor.execute("SELECT * FROM auth.identities WHERE user_id = %s ORDER BY created_at, id", (user["id"],))
        return cursor.fetchall()
    data = {} if user["deleted_at"] else {"sub": str(user["id"]), "email": user["email"]}
    one = {"id": user["id"], "user_id": user["id"], "provider_id": str(user["id"]), "provider": "email"}
    return [{**one, "identity_data": data}] if user["email"] else []


def _identity(row: Json, created: str) -> Json:
    told = {
        "identity_id": str(row["id"]),
        "id": row["provider_id"],
        "user_id": str(row["user_id"]),
        "provider": row["provider"],
        "created_at": created,
    }
    # Left out where it is empty, which the Python library's model does not expect.
    return told | ({"identity_data": row["identity_data"]} if row["identity_data"] else {})


def _has_identities(cursor: psycopg.Cursor[Json]) -> bool:
    cursor.execute("SELECT to_regclass('auth.identities') IS NOT NULL AS there")
    return bool((cursor.fetchone() or {})["there"])


def _merge(cursor: psycopg.Cursor[Json], user_id: UUID, column: str, document: Json | None) -> None:
    """Set the keys that are given; null removes one."""
    if document:
        given = {key: value for key, value in document.items() if value is not None}
        cursor.execute(
            f"UPDATE auth.users SET {column} = (coalesce({column}, '{{}}') || %s) - %s::text[] WHERE id = %s",
            (Jsonb(given), [key for key in document if key not in given], user_id),
        )


def _invalid(message: str) -> Refused:
    return Refused(400, "validation_failed", message)


def _checked_email(email: str) -> str:
    if len(email) > 255:
        raise _invalid("An email address is too long")
    if not _EMAIL.fullmatch(email):
        raise _invalid("Unable to validate email address: invalid format")
    return email.lower()


def _check_strength(password: str) -> None:
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise _invalid("Password cannot be longer than 72 characters")
    if len(password.encode()) < MIN_PASSWORD_LENGTH:
        message = f"Password should be at least {MIN_PASSWORD_LENGTH} characters."
        raise Refused(422, "weak_password", message, weak_password={"reasons": ["length"]})


def _checked_id(given: Any) -> UUID:
    if not given:
        return uuid4()
    try:
        user_id = UUID(given)
    except ValueError:
        raise _invalid("ID must conform to the uuid v4 format") from None
    if user_id.int == 0:
        raise _invalid("ID cannot be a nil uuid")
    return user_id


def _duration(text: str) -> timedelta:
    parts = re.findall(r"(\d+(?:\.\d+)?)([smh])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise _invalid(f'invalid format for ban duration: time: invalid duration "{text}"')
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def _obscured(user_id: UUID, email: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(f"{user_id}{email}".encode()).digest()).decode().rstrip("=")
