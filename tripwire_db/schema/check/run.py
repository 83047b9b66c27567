"""One run of a check: which revisions are judged, and what was found, accepted and told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tripwire_db.schema.check.chain import Chain, Revision, behind
from tripwire_db.schema.check.findings import Finding, Note
from tripwire_db.schema.project import Project

Fragments = str | tuple[str | int, ...]
"""What tells the line: words of it, the number, or several of them, the best first."""

Told = tuple[str, str, Fragments]
"""A rule, a message, and what tells the line."""

_MESSAGE_LENGTH = 600
_NEVER_OLD = ("models", "function-fails", "statements")
"""That head and models, or head and statements, disagree may be their doing, so it is never an old revision's old fault."""


@dataclass
class Run:
    """Collects what a check finds."""

    chain: Chain
    project: Project
    judged: frozenset[str]
    findings: list[Finding] = field(default_factory=list)
    accepted: list[tuple[Finding, str]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)

    def asks(self, rule: str) -> bool:
        """Whether the project wants to hear of a rule."""
        return rule not in self.project.rules_off

    def found(
        self, revision: Revision, rule: str, message: str, *fragments: str | int, accepted: str | None = None
    ) -> None:
        """Note a finding at its line, or that it is accepted, with the reason."""
        if not self.asks(rule) or (revision.id not in self.judged and rule not in _NEVER_OLD):
            return
        path, line = revision.place_of(*fragments)
        finding = Finding(shown(path), line, rule, message, revision.id)
        known = {known.rule: known.reason for known in self.project.accepted if known.revision == revision.id}
        if reason := accepted or revision.reasons.get(rule) or known.get(rule):
            self.accepted.append((finding, reason))
        else:
            self.findings.append(finding)

    def found_all(self, revision: Revision, told: Iterable[Told], *, in_downgrade: bool = False) -> None:
        """Note all that a rule yields, of the revision's upgrade or of its downgrade."""
        before, last = ("in the downgrade, ", ("def downgrade",)) if in_downgrade else ("", ())
        for rule, message, fragments in told:
            places = (fragments,) if isinstance(fragments, str) else fragments
            self.found(revision, rule, f"{before}{message}", *places, *last)


def shown(path: Path) -> str:
    """A path as people see it: relative to the folder that the check was run in, where it is below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def cut_short(text: str) -> str:
    """A message of a length that can be read."""
    return text if len(text) <= _MESSAGE_LENGTH else text[:_MESSAGE_LENGTH] + "\n…"


def one_line(error: BaseException) -> str:
    """An error's message in one line."""
    return cut_short(" ".join(str(error).split())) or type(error).__name__


def failed_statement(error: BaseException) -> str:
    """The SQL that an error came of, if it has it."""
    return next((sql for seen in behind(error) if (sql := getattr(seen, "statement", None))), "")
