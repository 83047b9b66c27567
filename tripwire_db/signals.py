"""What a signal that ends the command line does: the process unwinds, so that whatever is open is closed in order."""

import sys
from types import FrameType
from typing import NoReturn


def end_process(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    """Leave with the exit code that a shell gives such an end; a migration under way takes the signal over (`Interrupts`)."""
    sys.exit(128 + number)
