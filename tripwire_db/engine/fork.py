"""After a fork: what a child process does with the connections, locks and threads that its parent opened.

A connection that parent and child both use gives each the other's answers; a lock that another thread held at the fork
is never released in the child; and a thread does not survive the fork, so waiting for it never ends. So each object
that holds such things is asked, in the child, to let go of them, and opens its own when it is used next.
"""

import os
import weakref
from typing import Any, Protocol


class Forked(Protocol):
    """Holds what must not be used in a child process."""

    def after_fork(self) -> None:
        """Let go, in the child, of what the parent opened, without closing it; called before anything else runs there."""


_watched: "weakref.WeakSet[Forked]" = weakref.WeakSet()
_left_alone: list[Any] = []


def watch_forks(holder: Forked) -> None:
    """Have `holder.after_fork()` called in each child process, for as long as the object is there."""
    _watched.add(holder)


def leave_to_parent(*things: Any) -> None:
    """Keep in the child what is the parent's: collecting it as garbage would close it, or change the parent's epoll."""
    _left_alone.extend(things)


def _after_fork() -> None:
    for holder in list(_watched):
        holder.after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)
