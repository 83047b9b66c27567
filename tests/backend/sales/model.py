"""What the aggregations must say, computed from rows in plain Python: no SQL, exact fractions, Python's own time zones."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Seller:
    """Whoever may sell; without a role there is no row in `users`."""

    id: UUID
    role: str | None = "sales_manager"
    full_name: str | None = "Seller"

    @property
    def email(self) -> str | None:
        return None if self.role is None else f"{self.id}@sellers.test"


@dataclass(frozen=True)
class Sale:
    """A student sold; `total_modules` is the profile's, None where the profile is missing."""

    seller_id: UUID | None
    created_at: datetime
    price: Decimal = Decimal(5000)
    status: str = "active"
    modules_completed: int = 0
    total_modules: int | None = 3
    manager_name: str | None = None
    id: UUID = field(default_factory=uuid4)

    @property
    def completion(self) -> Fraction:
        """Percent; without a profile, or with one that counts no modules, the course has three."""
        return Fraction(self.modules_completed * 100, self.total_modules or 3)


def completion_rate(sales: Sequence[Sale]) -> Decimal:
    """The mean in percent, 0 for none: exact, and rounded once, half up, to two decimals."""
    if not sales:
        return Decimal(0)
    mean = sum((sale.completion for sale in sales), Fraction()) / len(sales)
    hundredths = mean * 100
    rounded = (Decimal(hundredths.numerator) / Decimal(hundredths.denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    return rounded / 100


def totals(sales: Sequence[Sale]) -> tuple[int, int, int, Decimal, Decimal]:
    """Students, active, completed, revenue, completion rate."""
    return (
        len(sales),
        sum(sale.status == "active" for sale in sales),
        sum(sale.status == "completed" for sale in sales),
        sum((sale.price for sale in sales), Decimal(0)),
        completion_rate(sales),
    )


Days = tuple[date | None, date | None]
"""The first day and the last, both included; None where it is open. One alone is open to today, or from the beginning."""
EVER: Days = (None, None)


def day_of(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def on(sales: Iterable[Sale], days: Days, now: datetime, zone: str) -> list[Sale]:
    """The sales of these days of the zone."""
    if days == EVER:
        return list(sales)
    first, last = days[0] or date.min, days[1] or day_of(now, zone)
    return [sale for sale in sales if first <= day_of(sale.created_at, zone) <= last]


def of_the_month(sales: Iterable[Sale], now: datetime, zone: str) -> tuple[int, Decimal]:
    """Students and revenue of the zone's current month, up to today."""
    today = day_of(now, zone)
    recent = on(sales, (today.replace(day=1), today), now, zone)
    return len(recent), sum((sale.price for sale in recent), Decimal(0))


def leaderboard(
    sellers: Iterable[Seller],
    sales: Sequence[Sale],
    limit: int,
    *,
    now: datetime,
    days: Days = EVER,
    zone: str = "Asia/Almaty",
) -> list[tuple[object, ...]]:
    """Every sales_manager, whoever sold a student, and who is gone by name; by students, revenue, both falling, id."""
    rows = []
    for seller in sellers:
        sold = [sale for sale in sales if sale.seller_id == seller.id]
        if not sold and seller.role != "sales_manager":
            continue
        named = [sale for sale in sold if sale.manager_name is not None]
        newest = max(named, key=lambda sale: (sale.created_at, sale.id), default=None)
        name = seller.full_name if seller.role is not None else None
        if name is None and newest is not None:
            name = newest.manager_name
        figures = (*totals(on(sold, days, now, zone)), *of_the_month(sold, now, zone))
        rows.append((seller.id, name, seller.email, *figures))
    for name in {sale.manager_name for sale in sales if sale.seller_id is None}:
        sold = [sale for sale in sales if sale.seller_id is None and sale.manager_name == name]
        figures = (*totals(on(sold, days, now, zone)), *of_the_month(sold, now, zone))
        rows.append((None, name, None, *figures))
    rows.sort(key=lambda row: (-row[3], -row[6], row[0] is None, row[0] or 0, row[1] is None, row[1] or ""))
    return rows[:limit]


def sold_by(sales: Iterable[Sale], seller_id: UUID | None) -> list[Sale]:
    """One seller's sales; without a seller, all of them."""
    return [sale for sale in sales if seller_id is None or sale.seller_id == seller_id]


def chart(
    sales: Iterable[Sale],
    seller_id: UUID | None,
    now: datetime,
    zone: str,
    *,
    days_back: int = 30,
    days: Days = EVER,
) -> list[tuple[date, int, Decimal]]:
    """One row for each day of the zone, newest first: the last ones, today included, or those asked for."""
    today, sold = day_of(now, zone), sold_by(sales, seller_id)
    first, last = days[0], days[1] or today
    if days == EVER:
        first = today - timedelta(days=days_back - 1)
    elif first is None:
        first = min((day_of(sale.created_at, zone) for sale in sold), default=last + timedelta(days=1))
    by_day: dict[date, list[Decimal]] = defaultdict(list)
    for sale in sold:
        by_day[day_of(sale.created_at, zone)].append(sale.price)
    every_day = (last - timedelta(days=back) for back in range((last - first).days + 1))
    return [(day, len(by_day[day]), sum(by_day[day], Decimal(0))) for day in every_day]


def stats(
    sales: Iterable[Sale], seller_id: UUID | None, now: datetime, zone: str, days: Days = EVER
) -> tuple[object, ...]:
    """The totals, then students and revenue of the zone's current month."""
    sold = sold_by(sales, seller_id)
    return (*totals(on(sold, days, now, zone)), *of_the_month(sold, now, zone))
