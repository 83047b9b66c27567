"""`tripwire-db stats`: a manager's totals."""

from tripwire_db.cli import options, output, targets


def stats(
    manager: options.MaybeManagerArgument = None,
    since: options.Since = None,
    until: options.Until = None,
    period: options.Period = None,
    time_zone: options.TimeZone = output.TIME_ZONE,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Show the totals of a manager, or of all sellers together, and those of this month.

    Dates tell which students count, by the day they were sold; this month stays this month.
    """
    with targets.backend(database_url) as backend:
        days = backend.days(since, until, period, time_zone)
        found = backend.repository.get_manager_stats(
            manager_id=backend.given_manager_id(manager),
            since=days.since,
            until=days.until,
            time_zone=time_zone,
        )
    if as_json:
        output.show_json(found)
        return
    facts = {
        "Students": found.total_students,
        "Active": found.active_students,
        "Completed": found.completed_students,
        "Revenue": f"{output.money(found.total_revenue)} KZT",
        "Course completed": output.percent(found.avg_completion_rate),
        "This month": f"{found.students_this_month} sold, {output.money(found.revenue_this_month)} KZT ({time_zone})",
    }
    output.show(output.pairs(f"Totals of {manager or 'all sellers'}", facts))
