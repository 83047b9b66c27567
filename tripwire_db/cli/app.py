"""The one place where the commands are listed; a new one is a module beside this and a line below."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from tripwire_db.cli import demo
from tripwire_db.cli.errors import CommandLine
from tripwire_db.cli.operate import health, load_test, smoke
from tripwire_db.cli.people import certificate, lesson, manager, student
from tripwire_db.cli.sales import activity, chart, leaderboard, stats
from tripwire_db.cli.schema import (
    adopt,
    backup,
    bootstrap,
    check,
    doctor,
    downgrade,
    drift,
    explain,
    export_supabase,
    plan,
    rehearse,
    restore,
    status,
    upgrade,
)
from tripwire_db.signals import end_process

COMMANDS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "See it": {"demo": demo.demo},
    "The schema": {
        "bootstrap": bootstrap.bootstrap,
        "plan": plan.plan,
        "upgrade": upgrade.upgrade,
        "downgrade": downgrade.downgrade,
        "backup": backup.backup,
        "restore": restore.restore,
        "rehearse": rehearse.rehearse,
        "status": status.status,
        "check": check.check,
        "drift": drift.drift,
        "adopt": adopt.adopt,
        "doctor": doctor.doctor,
        "explain": explain.explain,
        "export-supabase": export_supabase.export_supabase,
    },
    "Operation": {
        "smoke": smoke.smoke,
        "load-test": load_test.load_test,
        "health": health.health,
    },
    "Sales": {
        "leaderboard": leaderboard.leaderboard,
        "chart": chart.chart,
        "stats": stats.stats,
        "activity": activity.activity,
    },
    "People": {
        "student": student.app,
        "manager": manager.app,
        "certificate": certificate.app,
        "lesson": lesson.app,
    },
}
"""Every command, or group of commands, by the panel of the help that it stands in."""

# Steps such as -1 look like options.
_SETTINGS: dict[str, dict[str, Any]] = {"downgrade": {"ignore_unknown_options": True}}

app = typer.Typer(
    name="tripwire-db",
    cls=CommandLine,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # so that paragraphs flow
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The database of the Tripwire course: schema, students, sales.\n\n"
    "The database is the one of TRIPWIRE_DATABASE_URL, or of --database-url. "
    "Exit codes: 0 good, 1 found something or refused, 2 wrong use.",
)

for _panel, _commands in COMMANDS.items():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, rich_help_panel=_panel, context_settings=_SETTINGS.get(_name))(_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("tripwire-db"))
        raise typer.Exit


@app.callback()
def root(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log each flow on standard error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Set up the log, which never holds a secret."""
    if verbose:
        import logging

        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        logging.getLogger("tripwire_db").setLevel(logging.INFO)


def main() -> None:
    """Run the command line; the console script `tripwire-db`."""
    # So that an embedded server is stopped, and what a command has made for a while removed, before the process ends.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # under nohup a lost terminal is none of our business
            signal.signal(number, end_process)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app(prog_name="tripwire-db")


def _open_closed_streams() -> None:
    """Give standard streams that the caller has closed to the null device, not to the first connection that is opened."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            opened = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
            if opened.fileno() != number:
                os.dup2(opened.fileno(), number)
            setattr(sys, name, opened)
