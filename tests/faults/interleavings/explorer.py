"""Every order in which the steps of a few calls may come, with faults among them: a depth-first search over real rows.

A schedule is a list of choices, each a process and what goes wrong with its step. Schedules that lead to the same state (the
same rows, and each process with the same past) go on in the same ways, so what follows is run once: the search runs every
transition between states, and thereby covers each schedule, without running each from its beginning to its end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.faults.interleavings.process import Killed, Lock, Process
from tests.faults.interleavings.scenes import Scene, Stage

Choice = tuple[int, str]
State = tuple[object, ...]
MOST_TRIES = 8
"""So often a caller calls again, at most, before it is told something final."""


@dataclass(frozen=True)
class Explored:
    """What a search did.

    Attributes:
        runs: how often the world was built and driven.
        states: how many different ones were met.
        schedules: how many orders of steps and faults these runs cover.
    """

    runs: int
    states: int
    schedules: int


class Broken(AssertionError):
    """A schedule after which something does not hold."""


class Explorer:
    """Searches one scene.

    Args:
        stage: the database, and what the scenes share.
        scene: who calls what, in which world.
        faults: the kinds that may happen, of `refused`, `lost`, `kill`.
        budget: how many may happen in one schedule.
    """

    def __init__(self, stage: Stage, scene: Scene, faults: tuple[str, ...] = (), budget: int = 1) -> None:
        self._stage, self._scene = stage, scene
        self._faults, self._budget = frozenset(faults), budget if faults else 0
        self._threads = stage.threads
        self._after: dict[State, list[State]] = {}
        self._runs = 0

    def explore(self) -> Explored:
        """Run every transition.

        Raises:
            Broken: after some schedule something does not hold; tells which.
        """
        first: list[State] = []
        pending: list[list[Choice]] = [[]]
        while pending:
            prefix = pending.pop()
            pending += self._run(prefix, first)
        return Explored(self._runs, len(self._after), self._count(first[0]))

    def _run(self, prefix: list[Choice], first: list[State]) -> Iterator[list[Choice]]:
        """Drive one schedule to its end, or to a state that is known; give the ways not taken."""
        self._runs += 1
        processes = self._stage.set(self._scene)
        self._stage.processes = processes
        choices: list[Choice] = []
        try:
            for process in processes:
                self._stage.current = process
                process.start()
            for choice in prefix[:-1]:
                self._take(processes, choice)
                choices.append(choice)
            state = self._state(processes, choices)
            if not first:
                first.append(state)
            following = prefix[-1:]
            while True:
                if following:
                    self._take(processes, following[0])
                    choices.append(following[0])
                    before, state = state, self._state(processes, choices)
                    self._after[before].append(state)
                if state in self._after:
                    return
                self._after[state] = []
                ways = self._ways(processes, choices)
                if not ways:
                    assert all(process.is_over for process in processes), "everybody waits for a lock"
                    self._check(processes)
                    return
                following = ways[:1]
                for way in ways[1:]:
                    yield [*choices, way]
        except AssertionError as wrong:
            told = "\n".join(f"  {line}" for process in processes for line in (process.name, *process.history))
            raise Broken(f"{self._scene.name}: {wrong}\nschedule {choices}\n{told}") from wrong
        finally:
            self._clear(processes)

    def _ways(self, processes: list[Process], choices: list[Choice]) -> list[Choice]:
        spent = sum(bool(fault) for _, fault in choices)
        ways: list[Choice] = []
        for number, process in enumerate(processes):
            if process.is_over or process.waits is not None:
                continue
            ways.append((number, ""))
            if spent < self._budget and self._holder_of(process.wanted_locks, process, processes) is None:
                ways += [(number, fault) for fault in process.faults() if fault in self._faults]
        return ways

    def _take(self, processes: list[Process], choice: Choice) -> None:
        number, fault = choice
        process = self._stage.current = processes[number]
        if self._holder_of(process.wanted_locks, process, processes) is not None:
            process.step_behind_a_lock(self._threads, self._stage.snapshot())
            self._stage.wait_until_blocked(process)
            return
        process.step(fault)
        self._let_go_on(processes)

    def _let_go_on(self, processes: list[Process]) -> None:
        """Whoever waited for a lock that is free now has gone on by itself, in the order in which they came."""
        while True:
            free = [p for p in self._stage.queue if self._holder_of(p.waits, p, processes) is None]
            if not free:
                return
            process = self._stage.current = free[0]
            self._stage.queue.remove(process)
            process.step_ends()

    @staticmethod
    def _holder_of(locks: frozenset[Lock] | None, process: Process, processes: list[Process]) -> Process | None:
        return next((p for p in processes if locks is not None and p is not process and p.holds & locks), None)

    def _state(self, processes: list[Process], choices: list[Choice]) -> State:
        pasts = tuple((tuple(p.history), len(p.told), p.holds, p.waits) for p in processes)
        queue = tuple(p.number for p in self._stage.queue)
        told = tuple(number for number, _ in self._stage.order) if self._scene.heeds_order else ()
        return (pasts, queue, self._stage.snapshot(), sum(bool(fault) for _, fault in choices), told)

    def _check(self, processes: list[Process]) -> None:
        """What must hold now; and again when every caller has called until they were told something final."""
        self._scene.check_now(self._stage, processes)
        for process in processes:
            for _ in range(MOST_TRIES):
                if not process.is_over or not process.told or self._is_final(process):
                    break
                self._stage.current = process
                process.start()
                while not process.is_over:
                    process.step()
            assert self._is_final(process), f"{process.name} is never told anything final, but {process.told}"
        self._scene.check_at_last(self._stage, processes)

    def _is_final(self, process: Process) -> bool:
        outcome = process.told[-1]
        return not isinstance(outcome, Killed) and not (
            isinstance(outcome, Exception) and self._scene.is_passing(outcome)
        )

    def _clear(self, processes: list[Process]) -> None:
        """Let go of all locks, and wait for what is still under way."""
        while not all(process.is_idle for process in processes):
            for process in processes:
                if process.waits is None:
                    process.roll_back()
                elif self._holder_of(process.waits, process, processes) is None:
                    process.abandon()
        self._stage.queue.clear()

    def _count(self, first: State) -> int:
        """How many paths lead through the states."""

        @cache
        def paths(state: State) -> int:
            return sum(map(paths, self._after[state])) or 1

        return paths(first)
