# Made by scripts/unasync from tripwire_db/repository/aio/sales.py: change that, and run it again.
"""Methods for the manager's screen: leaderboard, chart, totals, activity."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from tripwire_db.cache import leaderboard_key
from tripwire_db.choices import ActionType
from tripwire_db.flows import sales
from tripwire_db.flows.shared.days import DEFAULT_TIME_ZONE
from tripwire_db.repository.sync.blocking import require_loop, told
from tripwire_db.repository.sync.driver import Driver
from tripwire_db.results import Activity, LeaderboardRow, ManagerStats, Page, SalesDay


class SalesMethods(Driver):
    """Methods for the manager's screen: leaderboard, chart, totals, activity."""

    @told
    def get_sales_leaderboard(
        self,
        *,
        limit: int = 10,
        since: date | None = None,
        until: date | None = None,
        time_zone: str = DEFAULT_TIME_ZONE,
    ) -> list[LeaderboardRow]:
        """The sellers by students, then revenue, both falling, then id.

        Every sales_manager is listed, with zeros where they sold nothing, and whoever else ever sold a student; sales
        whose seller is gone are one row for each manager_name, with manager_id None. With a cache, up to five minutes
        old.

        Args:
            limit: at most so many rows, 1–1000.
            since: the first day of the sales that count, included; None for all from the beginning.
            until: the last one, included; None for today, or, without `since`, for all there are.
            time_zone: an IANA name; its midnights part the days and the months.

        Returns:
            One `LeaderboardRow` a row, with manager_id, manager_name, email, total_students, active_students,
            completed_students, total_revenue, avg_completion_rate, students_this_month, revenue_this_month; the last
            two are of the current month up to today, whatever the dates.

        Raises:
            InvalidInput: `limit` is out of range, `since` is after `until`, or the server knows no such time zone.

        Examples:
            >>> for row in repository.get_sales_leaderboard(limit=3, since=date(2026, 9, 1)):
            ...     print(row.manager_name, row.total_students, row.total_revenue)
        """
        flow = sales.get_sales_leaderboard(limit=limit, since=since, until=until, time_zone=time_zone)
        if self._cache is None:
            return self._report(flow)
        database = self._reports or self._database
        require_loop(database)
        key = leaderboard_key(self._reports_url or self._url, limit, since, until, time_zone)
        return self._cache.get_or_compute(key, lambda: database.run(flow))

    @told
    def get_sales_chart_data(
        self,
        *,
        manager_id: UUID | str | None = None,
        days_back: int = 30,
        since: date | None = None,
        until: date | None = None,
        time_zone: str = DEFAULT_TIME_ZONE,
    ) -> list[SalesDay]:
        """Sales of each day, days without sales included, newest first.

        Args:
            manager_id: whose sales, an unknown manager's days are all zero; None for all sellers together.
            days_back: so many days, today included, and so many rows, 1–3660; only without `since` and `until`.
            since: the first day, included; None, where `until` is given, for the day of the first sale.
            until: the last day, included; None for today.
            time_zone: an IANA name; its midnights part the days.

        Returns:
            One `SalesDay` a row, with date, students_created, revenue.

        Raises:
            InvalidInput: an argument is out of range, `since` is after `until`, they are more than 3660 days, or the
                server knows no such time zone.

        Examples:
            >>> today, *earlier = repository.get_sales_chart_data(manager_id=manager_id, days_back=7)
        """
        return self._report(
            sales.get_sales_chart_data(
                manager_id=manager_id, days_back=days_back, since=since, until=until, time_zone=time_zone
            )
        )

    @told
    def get_manager_stats(
        self,
        *,
        manager_id: UUID | str | None = None,
        since: date | None = None,
        until: date | None = None,
        time_zone: str = DEFAULT_TIME_ZONE,
    ) -> ManagerStats:
        """A manager's totals, counted as in the leaderboard, and those of the current month.

        Args:
            manager_id: whose totals, an unknown manager's are zero; None for all sellers together.
            since: the first day of the sales that count, included; None for all from the beginning.
            until: the last one, included; None for today, or, without `since`, for all there are.
            time_zone: an IANA name; its midnights part the days and the months.

        Returns:
            A `ManagerStats`, with total_students, active_students, completed_students, total_revenue,
            avg_completion_rate, students_this_month, revenue_this_month; the last two are of the current month up to
            today, whatever the dates.

        Raises:
            InvalidInput: no UUID, `since` is after `until`, or the server knows no such time zone.

        Examples:
            >>> stats = repository.get_manager_stats(manager_id=manager_id)
            >>> print(f"{stats.students_this_month} students, {stats.revenue_this_month} KZT this month")
        """
        return self._report(
            sales.get_manager_stats(manager_id=manager_id, since=since, until=until, time_zone=time_zone)
        )

    @told
    def get_manager_activity(
        self,
        *,
        manager_id: UUID | str,
        limit: int = 50,
        before: Activity | str | None = None,
        action_types: Sequence[ActionType] | None = None,
        since: date | None = None,
        until: date | None = None,
        time_zone: str = DEFAULT_TIME_ZONE,
    ) -> Page[Activity]:
        """A page of what a manager did, newest first; ids break ties, so pages neither lose nor repeat a row.

        Args:
            manager_id: whose log; an unknown manager's is empty.
            limit: at most so many rows, 1–1000.
            before: `next` of the page before, or its last row; None begins at the newest.
            action_types: only actions of these kinds, as in `ActionType`; None for all.
            since: the first day, included; None for all from the beginning.
            until: the last day, included; None for today, or, without `since`, for all there are.
            time_zone: an IANA name; its midnights part the days.

        Returns:
            A `Page` of `Activity`, with id, action_type, target_user_id, target_user_email, target_user_name,
            details, created_at, manager_id.

        Raises:
            InvalidInput: no UUID, `limit` is out of range, `before` is neither, a kind is unknown, `since` is
                after `until`, or the server knows no such time zone.

        Examples:
            >>> page = repository.get_manager_activity(manager_id=manager_id)
            >>> while page.next:
            ...     page = repository.get_manager_activity(manager_id=manager_id, before=page.next)
        """
        return self._report(
            sales.get_manager_activity(
                manager_id=manager_id,
                limit=limit,
                before=before,
                action_types=action_types,
                since=since,
                until=until,
                time_zone=time_zone,
            )
        )
