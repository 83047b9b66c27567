"""`tripwire-db student list`: students by what they are, page by page."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from tripwire_db.choices import STUDENT_STATUSES
from tripwire_db.cli import formats, options, output, targets
from tripwire_db.validation import parse_choice

if TYPE_CHECKING:
    from tripwire_db.results import Page, Student

Manager = Annotated[
    str | None, typer.Option("--manager", metavar="MANAGER", help="Only those of this manager: id or e-mail.")
]
StatusFilter = Annotated[
    str | None, typer.Option("--status", help="Only these: active, inactive, completed or blocked.")
]
Search = Annotated[str | None, typer.Option("--search", help="Only those whose e-mail or name has this.")]
Modules = Annotated[
    int | None, typer.Option("--modules", metavar="NUMBER", help="Only those who completed so many, 0–3.")
]
Certificate = Annotated[
    bool | None, typer.Option("--certificate/--no-certificate", help="Only those with a valid certificate, or without.")
]
WelcomeEmail = Annotated[
    bool | None,
    typer.Option("--welcome-email/--no-welcome-email", help="Only those whose welcome e-mail went out, or did not."),
]
Limit = Annotated[int, typer.Option("--limit", help="At most so many, 1–1000.")]
After = Annotated[
    str | None,
    typer.Option("--after", metavar="STUDENT", help="Go on after this one: id, e-mail, or `next` of a page."),
]
Count = Annotated[bool, typer.Option("--count", help="Also tell how many there are on all pages together.")]


def list_(
    manager: Manager = None,
    status: StatusFilter = None,
    search: Search = None,
    modules: Modules = None,
    certificate: Certificate = None,
    welcome_email: WelcomeEmail = None,
    since: options.Since = None,
    until: options.Until = None,
    period: options.Period = None,
    time_zone: options.TimeZone = output.TIME_ZONE,
    limit: Limit = 20,
    after: After = None,
    count: Count = False,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
    page_json: options.PageJson = False,
    as_csv: options.Csv = False,
) -> None:
    """List students, newest first; each filter narrows the list. Dates are those of the sale."""
    from tripwire_db.results import Student

    form = formats.chosen(json=as_json, page_json=page_json, csv=as_csv)
    with targets.backend(database_url) as backend:
        days = backend.days(since, until, period, time_zone)
        page = backend.repository.list_students(
            manager_id=backend.given_manager_id(manager),
            status=None if status is None else parse_choice("status", status, STUDENT_STATUSES),
            search=search,
            modules_completed=modules,
            certificate=certificate,
            welcome_email_sent=welcome_email,
            since=days.since,
            until=days.until,
            time_zone=time_zone,
            limit=limit,
            after=None if after is None else _place(backend, after),
            count=count or page_json,
        )
    if not formats.show(form, page, Student):
        _show(page, first=after is None)


def _place(backend: targets.Backend, after: str) -> "Student | str":
    """Where to go on: a student whom people name, or the place that a page gave."""
    if "@" not in after and not _is_id(after):
        return after
    return backend.repository.get_student(user_id=backend.student_id(after)).student


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _show(page: "Page[Student]", *, first: bool) -> None:
    told = "" if page.total is None else f" {len(page)} of {page.total}."
    if not page:
        output.say(f"No {'' if first else 'more '}students.{told}")
        return
    more = f" More: --after {page[-1].email}" if page.next else ""
    rows = (
        (
            *output.times(one.created_at, one.last_seen_at),
            *output.person(one.full_name, one.email),
            one.status,
            f"{one.modules_completed} of 3",
            one.price,
        )
        for one in page
    )
    output.show(
        output.table(
            "Students",
            [
                *output.times_columns("Sold", "Last seen"),
                *output.person_columns("Name"),
                "Status",
                ">Modules",
                ">Price, KZT",
            ],
            rows,
            caption=f"Times in {output.TIME_ZONE}.{told}{more}",
        )
    )
