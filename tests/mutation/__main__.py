"""Measures how blind the guards are: plants faults, and counts how many check, drift and the flows' tests find."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence

from tests.mutation import accepted, catalog, chain, flows
from tests.mutation.mutants import JOURNALS, Journal, Mutant, Record, sample

IMPOSSIBLE = "impossible"
PARTS: dict[str, tuple[Callable[[], Sequence[Mutant]], Callable[[Sequence[Mutant], Record], None]]] = {
    "chain": (chain.mutants, chain.run),
    "catalog": (catalog.of_database, catalog.run),
    "flows": (flows.mutants, flows.run),
}


def main() -> int:
    """Run the parts that are asked for; 1 where one finds less than it should."""
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which guards; all by default")
    parser.add_argument("--sample", type=int, default=40, metavar="N", help="how many of each part, at random; 0: all")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which ones")
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose name has this in it")
    parser.add_argument(
        "--again", action="store_true", help="forget what earlier runs found; else they are gone on with"
    )
    parser.add_argument("--at-least", type=float, default=95.0, metavar="PERCENT", help="how many must be found")
    asked = parser.parse_args()
    blind = [part for part in asked.parts or PARTS if _measure(part, asked) < asked.at_least]
    return 1 if blind else 0


def _measure(part: str, asked: argparse.Namespace) -> float:
    make, run = PARTS[part]
    path = JOURNALS / f"{part}.jsonl"
    if asked.again:
        path.unlink(missing_ok=True)
    journal = Journal(path)
    every = [mutant for mutant in make() if asked.only in mutant.name]
    chosen = [one for one in sample(every, asked.sample, asked.seed) if accepted.reason(part, one) is None]

    def record(mutant: Mutant, found: str | None) -> None:
        journal.record(mutant, found)
        print(f"{part}: {mutant.name}: {found or 'SURVIVED'}", flush=True)

    if left := journal.left(chosen):
        run(left, record)
    tried = [one for one in chosen if not (journal.found[one.name] or "").startswith(IMPOSSIBLE)]
    survivors = journal.survivors(tried)
    share = 100 * (1 - len(survivors) / len(tried)) if tried else 100.0
    print(f"\n{part}: {len(tried) - len(survivors)} of {len(tried)} found, {share:.1f} %; of {len(every)} in all")
    finders = Counter((journal.found[one.name] or "nothing").partition("::")[0] for one in tried)
    for finder, number in finders.most_common():
        print(f"  {number} by {finder}")
    for survivor in survivors:
        print(f"  survived: {survivor.name}\n    {survivor.after}")
    return share


if __name__ == "__main__":
    sys.exit(main())
