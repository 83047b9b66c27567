"""Brings a database that was built by hand from v2's script, or a variant of it, under Alembic, with no row lost.

    inspect(url)   # the report: what differs, which rows will be mended and how, which cannot be
    adopt(url)     # does it, in one transaction, and stamps the first revision; `upgrade head` does the rest

`layout.py` compares catalogs, `rows.py` judges rows, `adoption.py` puts the two together.
"""

from tripwire_db.schema.adopt.adoption import FIRST_REVISION, adopt, inspect
from tripwire_db.schema.adopt.report import Difference, Mending, Quarantined, Report

__all__ = ["FIRST_REVISION", "Difference", "Mending", "Quarantined", "Report", "adopt", "inspect"]
