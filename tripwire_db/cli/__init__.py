"""The command line, `tripwire-db`: one file per command or group of commands; `app.py` lists them all.

Commands import what they work with when they are called, so that `tripwire-db --help` costs no more than Typer.
"""

from tripwire_db.cli.app import app, main

__all__ = ["app", "main"]
