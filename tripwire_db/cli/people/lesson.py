"""`tripwire-db lesson`: the course's lessons, and their length."""

from typing import Annotated

import typer

from tripwire_db.cli import formats, options, output, targets

app = typer.Typer(no_args_is_help=True, help="See the course's lessons, set title or length.")

LessonArgument = Annotated[int, typer.Argument(metavar="LESSON", help="The lesson's id, as in 67.")]
Admin = Annotated[str, typer.Option("--manager", metavar="ADMIN", help="Who does it: id or e-mail of an admin.")]
Title = Annotated[str | None, typer.Option("--title", help="1–300 characters.", show_default=False)]
Duration = Annotated[
    int | None,
    typer.Option(
        "--duration", metavar="SECONDS", help="The video's length, 1–86400: the one that counts.", show_default=False
    ),
]


@app.command("list")
def list_(database_url: options.DatabaseUrl = None, as_json: options.Json = False, as_csv: options.Csv = False) -> None:
    """List the lessons, archived ones too, in the course's order."""
    from tripwire_db.results import Lesson

    form = formats.chosen(json=as_json, csv=as_csv)
    with targets.backend(database_url) as backend:
        lessons = backend.repository.list_lessons()
    if formats.show(form, lessons, Lesson):
        return
    rows = (
        (
            one.module_id,
            one.lesson_id,
            one.title,
            output.clock(one.duration_seconds),
            "archived" if one.archived else "",
        )
        for one in lessons
    )
    output.show(output.table("Lessons", [">Module", ">Lesson", "Title", ">Length", ""], rows))


@app.command("set")
def set_(
    lesson: LessonArgument,
    manager: Admin,
    title: Title = None,
    duration: Duration = None,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Set a lesson's title or the length of its video; who is qualified to complete it stays so."""
    with targets.backend(database_url) as backend:
        changed = backend.repository.update_lesson(
            lesson_id=lesson, manager_id=backend.manager_id(manager), title=title, duration_seconds=duration
        )
    if as_json:
        output.show_json(changed)
    else:
        length = output.clock(changed.duration_seconds)
        output.say(f"Lesson {changed.lesson_id}, {changed.title}: {length} ({changed.duration_seconds} s).")
