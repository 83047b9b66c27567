"""A mutant, which of them are tried, and the journal of what found them."""

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

JOURNALS = Path(__file__).resolve().parents[2] / ".mutation"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted fault.

    Attributes:
        target: what is changed: a flow, an object, a revision's upgrade or downgrade.
        change: what is done to it, in words; with the target it is the mutant's name.
        before: the text that is replaced; empty where nothing is.
        after: the SQL that stands or runs instead.
        kind: what sort of change it is; a sample takes as many of each.
    """

    target: str
    change: str
    before: str
    after: str
    kind: str = ""

    @property
    def name(self) -> str:
        """What the journal calls it."""
        return f"{self.target}: {self.change}"


Record = Callable[[Mutant, str | None], None]
"""Takes what found a mutant: a rule, a kind of drift, a test; None of one that survived."""


def sample(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """Choose some at random, evenly over their kinds, the same ones for the same seed; all for 0, in their order."""
    if not size or size >= len(mutants):
        return list(mutants)
    shuffled = random.Random(seed).sample(mutants, len(mutants))
    before: Counter[str] = Counter()
    rounds: list[int] = []
    for one in shuffled:
        rounds.append(before[one.kind])
        before[one.kind] += 1
    order = sorted(range(len(shuffled)), key=rounds.__getitem__)
    return [shuffled[number] for number in order[:size]]


class Journal:
    """What was found, one line of JSON a mutant, so that a run that was stopped goes on where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[str, str | None] = {}
        if path.exists():
            lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
            self.found = {line["mutant"]: line["found"] for line in lines}

    def record(self, mutant: Mutant, found: str | None) -> None:
        """Add one, at once."""
        self.found[mutant.name] = found
        self.path.parent.mkdir(exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"mutant": mutant.name, "found": found}) + "\n")

    def left(self, chosen: Sequence[Mutant]) -> list[Mutant]:
        """Those of them that were not tried yet."""
        return [mutant for mutant in chosen if mutant.name not in self.found]

    def survivors(self, chosen: Sequence[Mutant]) -> list[Mutant]:
        """Those of them that nothing found."""
        return [mutant for mutant in chosen if self.found.get(mutant.name, "") is None]
