"""What can be set about a run: `-x name=value`, `Config.attributes`, the environment, in this order."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tripwire_db.schema.runner.errors import MigrationError

KNOWN = ("url", "lock-timeout", "statement-timeout", "lock-attempts", "deploy-wait", "concurrent-wait", "accept-loss")
_UNITS = {"us": 0.001, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?")
_LONGEST_MS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a run may hold others up, and how long it waits itself.

    Attributes:
        lock_timeout: Milliseconds that a statement waits for a lock, and others behind it; 3 s unless set. Never 0:
            without a limit one forgotten transaction stalls all traffic.
        statement_timeout: Milliseconds that a statement may run; 10 min unless set, 0 for no limit.
        lock_attempts: How often a revision is tried that meets a lock timeout or a deadlock; 10 unless set.
        deploy_wait: Milliseconds to wait for another deployer; 10 min unless set.
        concurrent_wait: Milliseconds that building or dropping an index CONCURRENTLY waits for transactions that began
            before it, in whatever table they work; 10 min unless set. Reading and writing go on meanwhile.
    """

    lock_timeout: int = 3_000
    statement_timeout: int = 600_000
    lock_attempts: int = 10
    deploy_wait: int = 600_000
    concurrent_wait: int = 600_000

    @classmethod
    def read(
        cls, arguments: Mapping[str, str], attributes: Mapping[str, Any], *, others: tuple[str, ...] | None = ()
    ) -> "Limits":
        """Read the settings of this run.

        Args:
            arguments: What stands behind `-x`.
            attributes: `Config.attributes`.
            others: Names that the project's own revisions read; None lets all pass.

        Raises:
            MigrationError: A value cannot be read, or nobody knows the name behind an `-x`.
        """
        given = {name.replace("_", "-"): value for name, value in arguments.items()}
        unknown = sorted(set(given) - {*KNOWN, *(others or ())})
        if unknown and others is not None:
            raise MigrationError(f"-x {unknown[0]} is not known here; there are: {', '.join((*KNOWN, *others))}.")

        def find(name: str) -> tuple[str, Any] | None:
            key = name.replace("-", "_")
            if name in given:
                return f"-x {name}", given[name]
            if attributes.get(key) is not None:
                return f"attribute {key}", attributes[key]
            variable = f"TRIPWIRE_{key.upper()}"
            return (variable, os.environ[variable]) if os.environ.get(variable) else None

        values: dict[str, int] = {}
        for name, read in (
            ("lock-timeout", milliseconds),
            ("statement-timeout", milliseconds),
            ("lock-attempts", _count),
            ("deploy-wait", milliseconds),
            ("concurrent-wait", milliseconds),
        ):
            found = find(name)
            if found is not None:
                values[name.replace("-", "_")] = read(*found)
        settings = cls(**values)
        if settings.lock_timeout == 0:
            raise MigrationError(
                "lock-timeout must be at least 1ms: without a limit, a revision that waits for a lock stalls all traffic."
            )
        if settings.concurrent_wait == 0:
            raise MigrationError(
                "concurrent-wait must be at least 1ms: a forgotten transaction would be waited for for ever."
            )
        return settings


def spell(milliseconds: int) -> str:
    """Write a duration as PostgreSQL reads it: 3000 → '3s'."""
    for unit in ("h", "min", "s"):
        if milliseconds and milliseconds % int(_UNITS[unit]) == 0:
            return f"{milliseconds // int(_UNITS[unit])}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0"


def milliseconds(name: str, value: Any) -> int:
    """Read a duration, as in `500ms` or `3s`; a bare number is milliseconds.

    Raises:
        MigrationError: It is none; the message begins with `name`.
    """
    match = _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise MigrationError(f"{name}: {value!r} is no duration; write for example 500ms, 3s, 10min, or milliseconds.")
    exact = float(match[1]) * _UNITS[match[2] or "ms"]
    if exact > _LONGEST_MS:
        raise MigrationError(f"{name}: {value!r} is more than the 24 days that PostgreSQL can count.")
    return max(1, round(exact)) if exact else 0


def _count(name: str, value: Any) -> int:
    text = str(value).strip()
    if not re.fullmatch(r"\d{1,4}", text) or int(text) < 1:
        raise MigrationError(f"{name}: {value!r} is no number of attempts from 1 to 9999.")
    return int(text)
