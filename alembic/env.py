"""Where Alembic's commands meet the database; `alembic` and `tripwire_db.migrations` both run through here.

All of it is in `tripwire_runner/`: the locks, the timeouts, the retries and the messages.
"""

import sys
from pathlib import Path

# At the end of the path, where nothing here can shadow a module of somebody else.
HERE = str(Path(__file__).resolve().parent)
if HERE not in sys.path:
    sys.path.append(HERE)

from tripwire_runner import run  # noqa: E402

run()
