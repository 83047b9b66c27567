"""For the tests of applications: a pytest plugin, which is there where tripwire-db is installed; see `plugin`."""

from tripwire_db.testing.clock import TestClock

__all__ = ["TestClock"]
