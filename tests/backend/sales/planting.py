"""Puts sellers, their students and their log into a database, as fast as a property test wants it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from tests.backend.sales.model import Sale, Seller


@dataclass(frozen=True)
class Entry:
    """A row of the log."""

    manager_id: UUID
    created_at: datetime
    details: Any = field(default_factory=dict)
    target_user_id: UUID | None = None
    action_type: str = "user_created"
    id: UUID = field(default_factory=uuid4)


def plant(connection: psycopg.Connection[Any], sellers: Iterable[Seller], sales: Iterable[Sale]) -> None:
    """Write the rows of sellers and students. A sale's id serves as the student's user id, too."""
    sellers, sales = list(sellers), list(sales)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth.users (id, email) SELECT id, id || '@auth.test' FROM unnest(%s::uuid[]) AS id",
            [[seller.id for seller in sellers] + [sale.id for sale in sales]],
        )
        cursor.executemany(
            "INSERT INTO public.users (id, email, full_name, role) VALUES (%s, %s, %s, %s)",
            [(one.id, one.email, one.full_name, one.role) for one in sellers if one.role is not None],
        )
        cursor.executemany(
            "INSERT INTO public.tripwire_users (id, user_id, email, full_name, granted_by, manager_name, status,"
            " modules_completed, price, created_at) VALUES (%s, %s, %s, 'Student', %s, %s, %s, %s, %s, %s)",
            [
                (
                    sale.id,
                    sale.id,
                    f"{sale.id}@students.test",
                    sale.seller_id,
                    sale.manager_name,
                    sale.status,
                    sale.modules_completed,
                    sale.price,
                    sale.created_at,
                )
                for sale in sales
            ],
        )
        cursor.executemany(
            "INSERT INTO public.tripwire_user_profile (user_id, total_modules, modules_completed) VALUES (%s, %s, %s)",
            [
                (sale.id, sale.total_modules, min(sale.modules_completed, sale.total_modules))
                for sale in sales
                if sale.total_modules is not None
            ],
        )


def plant_log(connection: psycopg.Connection[Any], entries: Iterable[Entry]) -> None:
    """Write rows of the log."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO public.sales_activity_log (id, manager_id, action_type, target_user_id, details, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (one.id, one.manager_id, one.action_type, one.target_user_id, json.dumps(one.details), one.created_at)
                for one in entries
            ],
        )


def server_now(connection: psycopg.Connection[Any]) -> datetime:
    """The time that the functions take for now, until this transaction ends."""
    return connection.execute("SELECT now()").fetchone()[0]
