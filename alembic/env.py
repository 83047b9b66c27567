"""Where Alembic's commands meet the database; `alembic` and `tripwire_db.migrations` both run through here."""

from tripwire_db.schema.project import COURSE
from tripwire_db.schema.runner import run

run(project=COURSE)
