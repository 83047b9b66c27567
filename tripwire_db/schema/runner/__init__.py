"""Runs the commands of Alembic safely, for any project on PostgreSQL: its env.py does nothing but call `run()`.

Whoever runs plain `alembic`, `tripwire_db.migrations` or `tripwire-db upgrade` comes through here, so all of them get
the same lock, the same timeouts and the same messages. Nothing here knows the course: what is its own stands in
`tripwire_db.schema.project`.

What a caller from Python may put into `Config.attributes`:
    url: The database, any `postgresql://` URL; comes after `-x url=…` and before `sqlalchemy.url`.
    lock_timeout, statement_timeout, lock_attempts, deploy_wait, concurrent_wait: see `limits.py`.
    tracer: Looks at every statement, see `tripwire_db.schema.tracing`; for scratch databases.
    quiet: True leaves out the lines on standard error.
And what it finds there afterwards:
    outcome: An `Outcome`, after upgrade, downgrade and stamp.
"""

from tripwire_db.schema.runner.commands import run
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.steps import Outcome

__all__ = ["MigrationError", "Outcome", "run"]
