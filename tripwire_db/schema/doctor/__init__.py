"""Finds what older code, a crash or a hand has left behind in a database, shows it, and mends exactly what it showed.

    findings = examine(url)              # reads only
    for result in mend(url, findings):   # one transaction for a few students; what has changed meanwhile is left alone
        print(result.finding.kind, result.state)

A kind of finding is a query, `sql/<kind>.sql`; `kinds.py` lists them in the order in which they are mended.
"""

from tripwire_db.schema.doctor.damage import Damage
from tripwire_db.schema.doctor.examine import examine
from tripwire_db.schema.doctor.kinds import KINDS, Kind
from tripwire_db.schema.doctor.repair import Result, State, mend

__all__ = ["KINDS", "Damage", "Kind", "Result", "State", "examine", "mend"]
