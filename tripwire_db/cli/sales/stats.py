"""`tripwire-db stats`: a manager's totals."""

from tripwire_db.cli import options, output, targets


def stats(
    manager: options.ManagerArgument,
    time_zone: options.TimeZone = output.TIME_ZONE,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Show a manager's totals, and those of this month."""
    with targets.backend(database_url) as backend:
        found = backend.repository.get_manager_stats(manager_id=backend.manager_id(manager), time_zone=time_zone)
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
    output.show(output.pairs(f"Totals of {manager}", facts))
