"""What a check finds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        file: relative to the folder that the check was run in, where it is below it.
        line: from 1.
        rule: the rule's name, as in `update-without-where`.
        message: what is wrong, and what to do.
        revision: whose fault it is; empty where it is nobody's in particular.
    """

    file: str
    line: int
    rule: str
    message: str
    revision: str = ""

    @property
    def accept(self) -> str:
        """How it is accepted where it is meant: in the revision, or, of one that is frozen, in pyproject.toml."""
        entry = f'{{ rule = "{self.rule}", revision = "{self.revision}", reason = "why" }}'
        return f'LINT = {{"{self.rule}": "why"}} in the revision, or accept = [{entry}] in [tool.tripwire-db] of pyproject.toml'


@dataclass(frozen=True, slots=True)
class Note:
    """What a revision does to access, to the API, or asks of a deployment; told, and no finding."""

    revision: str
    about: Literal["access", "api", "deployment"]
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at and what was found.

    Attributes:
        chain: the folder of the revisions.
        revisions: how many were checked.
        findings: what is wrong; none is good.
        accepted: findings that the revision or the project accepts, with the reason.
        notes: what each revision does to access and to the API, and which is needed before the application.
        skipped: checks that could not be run, and why.
        releases: whose calls were played.
    """

    chain: str
    revisions: int
    findings: tuple[Finding, ...]
    accepted: tuple[tuple[Finding, str], ...] = ()
    notes: tuple[Note, ...] = ()
    skipped: tuple[str, ...] = field(default=())
    releases: tuple[str, ...] = ()


def sorted_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """By place, each once."""
    return tuple(sorted(set(findings)))
