"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class TestClock:
    """Gives the time that a test has set, in every thread; the repository's `clock`.

    Args:
        now: an aware datetime; by default the machine's time when the clock is made.

    Examples:
        >>> clock = TestClock(datetime(2026, 3, 1, 18, 30, tzinfo=UTC))
        >>> clock.advance(90)
        >>> clock().isoformat()
        '2026-03-01T18:31:30+00:00'
    """

    __test__ = False  # pytest takes no class of this name for tests

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)

    def __call__(self) -> datetime:
        """The time that is set."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, in seconds."""
        self.now += timedelta(seconds=seconds)
