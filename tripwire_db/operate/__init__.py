"""Running the course: does it work (`smoke`), how much does it bear (`load_test`)."""

from tripwire_db.operate.smoke import SmokeFailed, Step, smoke

__all__ = ["SmokeFailed", "Step", "smoke"]
