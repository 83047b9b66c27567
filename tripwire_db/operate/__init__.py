"""Running the course: does it work (`smoke`), how much does it bear (`load_test`), is it well (`health`)."""

from tripwire_db.operate.health import Check, Limits, health
from tripwire_db.operate.load_test import LoadReport, Timing, load_test
from tripwire_db.operate.smoke import SmokeFailed, Step, smoke

__all__ = ["Check", "Limits", "LoadReport", "SmokeFailed", "Step", "Timing", "health", "load_test", "smoke"]
