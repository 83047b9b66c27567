"""A student in front of a lesson: plays, rewinds, seeks, opens a second tab, and reports it all, as a player does.

A real player reports every ten seconds; this one gathers a minute or two into one report, which says the same.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from tripwire_db.demo.clock import SimulatedClock
from tripwire_db.demo.people import Sitting
from tripwire_db.results import VideoProgress
from tripwire_db.video import Segment

if TYPE_CHECKING:
    from tripwire_db.repository import TripwireRepository

_MOST_REPORTS = 120
"""In one sitting; a lesson takes about twenty, and nobody sits there for ever."""
_KEPT_BACK_WAIT = 110.0  # seconds between the keep-alives of a tab that is merely left open

_SPEEDS = {"double speed": (2.0,), "steady": (1.0, 1.0, 1.25)}
_USUAL_SPEEDS = (1.0, 1.25, 1.5)


@dataclass(slots=True)
class Watched:
    """What happened in one sitting.

    Attributes:
        began: when.
        ended: when the last report went out.
        progress: what the database said to the last report; None where there was none.
        reports: how many went out.
        rewinds: how often a stretch was played again.
        seeks: how often one was skipped.
        counted_seconds: what the sitting added to what counts.
        most_held_back: the most that was held back at any time, in seconds.
    """

    began: datetime
    ended: datetime
    progress: VideoProgress | None = None
    reports: int = 0
    rewinds: int = 0
    seeks: int = 0
    counted_seconds: float = 0.0
    most_held_back: float = 0.0


@dataclass(slots=True)
class Viewer:
    """Watches one lesson.

    Args:
        repository: with the clock below.
        clock: is set to the sitting's time, and runs on.
        user_id: the student.
        lesson_id: an unlocked lesson.
        duration: the lesson's, in seconds.
        chance: decides what the student does next.
    """

    repository: "TripwireRepository"
    clock: SimulatedClock
    user_id: UUID
    lesson_id: int
    duration: float
    chance: random.Random
    stored: tuple[Segment, ...] = ()
    _watched: Watched = field(init=False)

    def watch(self, sitting: Sitting) -> Watched:
        """Sit down, watch until the lesson can be completed or the student leaves, and tell what happened."""
        self.clock.set(sitting.at)
        self._watched = Watched(began=sitting.at, ended=sitting.at)
        play = {"two tabs": self._two_tabs, "claims it all": self._claim}.get(sitting.style, self._play)
        for segments, position in play(sitting.style):
            progress = self._report(segments, position)
            enough = progress.qualified if sitting.until >= 100 else progress.percentage >= sitting.until
            if enough or self._watched.reports >= _MOST_REPORTS:
                break
        return self._watched

    def _report(self, segments: Sequence[Segment], position: float) -> VideoProgress:
        progress = self.repository.update_video_tracking(
            user_id=self.user_id,
            lesson_id=self.lesson_id,
            segments=segments,
            position=position,
            client_duration=self.duration,
        )
        watched = self._watched
        watched.progress, watched.ended = progress, self.clock()
        watched.reports += 1
        watched.counted_seconds += progress.new_seconds
        watched.most_held_back = max(watched.most_held_back, progress.held_back_seconds)
        self.stored = progress.segments
        return progress

    def _play(self, style: str) -> Iterator[tuple[list[Segment], float]]:
        """One tab: from where the last sitting ended to the end, then whatever was skipped."""
        speed = self.chance.choice(_SPEEDS.get(style, _USUAL_SPEEDS))
        position, closing_gaps = self._next_unseen(0.0), False
        while True:
            played = self._pass_time() * speed
            segments: list[Segment] = []
            if self.chance.random() < 0.10:  # the phone rings
                played *= self.chance.uniform(0.1, 0.6)
            if style == "rewinds" and position > 60 and self.chance.random() < 0.4:
                back = min(self.chance.uniform(20, 90), played / 2, position)
                segments.append(_stretch(position - back, position))
                played -= back
                self._watched.rewinds += 1
            elif style == "seeks" and not closing_gaps and self.chance.random() < 0.35:
                position = min(self.duration * 0.95, position + self.chance.uniform(30, 240))
                self._watched.seeks += 1
            if position >= self.duration - 1:  # at the end: back to what was skipped, or all of it once more
                position, closing_gaps = self._next_unseen(0.0), True
                position = 0.0 if position >= self.duration - 1 else position
            end = min(self.duration, position + played, self._next_stored(position) if closing_gaps else self.duration)
            segments.append(_stretch(position, end))
            yield segments, end
            position = self._next_unseen(end) if closing_gaps else end

    def _two_tabs(self, _style: str) -> Iterator[tuple[list[Segment], float]]:
        """Two tabs at once, one in each half: together they count no faster than the row's allowance."""
        middle = self.duration / 2
        heads, ends = [0.0, middle], [middle, self.duration]
        while True:
            wall = self._pass_time()
            for tab, start in enumerate(heads):
                heads[tab] = min(ends[tab], start + wall)
                yield [_stretch(start, heads[tab])] if heads[tab] > start else [], heads[tab]

    def _claim(self, _style: str) -> Iterator[tuple[list[Segment], float]]:
        """Claims the whole lesson at once, then leaves the tab open: only time that passes counts."""
        yield [Segment(0.0, self.duration)], self.duration
        while True:
            self.clock.advance(_KEPT_BACK_WAIT)
            yield [], self.duration

    def _pass_time(self) -> float:
        wall = self.chance.uniform(70, 118)
        self.clock.advance(wall)
        return wall

    def _next_unseen(self, position: float) -> float:
        """The first moment from `position` on that is not stored yet; the duration where there is none."""
        for start, end in self.stored:
            if start <= position < end:
                position = end
        return min(position, self.duration)

    def _next_stored(self, position: float) -> float:
        """Where the next stored stretch begins; the duration where none does."""
        return min((start for start, _ in self.stored if start > position), default=self.duration)


def _stretch(start: float, end: float) -> Segment:
    """A stretch as players report it, to the hundredth of a second, and no shorter than one."""
    start = round(max(0.0, start), 2)
    return Segment(start, max(round(end, 2), start + 0.01))
