"""A clock for each thread, set by hand: the story of weeks is told in seconds."""

import threading
from datetime import UTC, datetime, timedelta


class SimulatedClock:
    """Gives the time that the calling thread has set; the repository's `clock`.

    Each student is played in a thread, and lives in days of their own.

    Examples:
        >>> clock = SimulatedClock()
        >>> clock.set(datetime(2026, 3, 1, 18, 30, tzinfo=UTC))
        >>> clock.advance(90)
        >>> clock().isoformat()
        '2026-03-01T18:31:30+00:00'
    """

    def __init__(self) -> None:
        self._local = threading.local()

    def __call__(self) -> datetime:
        """The thread's time; the machine's where it has set none."""
        now: datetime = getattr(self._local, "now", None) or datetime.now(UTC)
        return now

    def set(self, now: datetime) -> None:
        """Set the calling thread's time; going back is fine."""
        self._local.now = now

    def advance(self, seconds: float) -> None:
        """Let time pass for the calling thread."""
        self.set(self() + timedelta(seconds=seconds))
