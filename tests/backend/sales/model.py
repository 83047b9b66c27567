"""What the aggregations must say, computed from rows in plain Python: no SQL, exact fractions, Python's own time zones."""

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


def leaderboard(sellers: Iterable[Seller], sales: Sequence[Sale], limit: int) -> list[tuple[object, ...]]:
    """Every sales_manager, and whoever sold a student, by students, then revenue, both falling, then id."""
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
        rows.append((seller.id, name, seller.email, *totals(sold)))
    rows.sort(key=lambda row: (-row[3], -row[6], row[0]))
    return rows[:limit]


def day_of(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def chart(
    sales: Iterable[Sale], seller_id: UUID, now: datetime, days_back: int, zone: str
) -> list[tuple[date, int, Decimal]]:
    """One row for each day of the zone, today included, newest first."""
    today = day_of(now, zone)
    days = [today - timedelta(days=ago) for ago in range(days_back)]
    sold = {day: [Decimal(0), 0] for day in days}
    for sale in sales:
        day = day_of(sale.created_at, zone)
        if sale.seller_id == seller_id and day in sold:
            sold[day][0] += sale.price
            sold[day][1] += 1
    return [(day, int(sold[day][1]), Decimal(sold[day][0])) for day in days]


def stats(sales: Iterable[Sale], seller_id: UUID, now: datetime, zone: str) -> tuple[object, ...]:
    """The totals, then students and revenue of the zone's current month."""
    sold = [sale for sale in sales if sale.seller_id == seller_id]
    month = day_of(now, zone).replace(day=1)
    recent = [sale for sale in sold if day_of(sale.created_at, zone) >= month]
    return (*totals(sold), len(recent), sum((sale.price for sale in recent), Decimal(0)))
