"""Files in a folder that belongs to the server's account, opened by the calling process, which may be root.

What that account puts into its own folder is not to be trusted: a symbolic link in a file's place would have root read,
write or give away somebody else's file. So no name below the folder is followed, and what is opened is what is changed.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tripwire_db.embedded.account import ServerUnavailable


@contextmanager
def opened(folder: Path, *inner: str) -> Iterator[int]:
    """A descriptor of a folder, or of one that lies in it; closed at the end.

    Raises:
        FileNotFoundError: there is none.
        ServerUnavailable: a link stands in the place of one within it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in inner:
            outer, descriptor = descriptor, _open(name, os.O_RDONLY | os.O_DIRECTORY, at=descriptor, within=folder)
            os.close(outer)
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(folder: Path, *names: str, flags: int, mode: int = 0o600) -> int:
    """Open a file below a folder, and wait for nothing: neither links nor pipes.

    Args:
        folder: followed where it is a link itself: whoever named it may have meant it.
        names: the folders in it, and the file's name.
        flags: of `os.open`.
        mode: of a file that is made.

    Raises:
        FileNotFoundError: there is none.
        ServerUnavailable: a link stands in its place.
    """
    *inner, name = names
    with opened(folder, *inner) as at:
        return _open(name, flags | os.O_NONBLOCK, mode, at=at, within=folder)


def read_file(folder: Path, *names: str, position: int = 0) -> str:
    """Read a text file below a folder, from a position in bytes; see `open_file`."""
    with os.fdopen(open_file(folder, *names, flags=os.O_RDONLY), "rb") as file:
        file.seek(position)
        return file.read().decode(errors="replace")


def write_file(folder: Path, *names: str, text: str, owner: tuple[int, int] | None) -> None:
    """Write a file for its owner alone, whole or not at all; see `open_file`.

    Args:
        folder: followed.
        names: the folders in it, and the file's name.
        text: what it holds.
        owner: user and group; None leaves it the caller's.
    """
    *inner, name = names
    with opened(folder, *inner) as at:
        draft = f".{name}.new"
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=at)
        descriptor = _open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, at=at, within=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            if owner is not None:
                os.fchown(file.fileno(), *owner)  # this very file, whatever has the name by now
        os.rename(draft, name, src_dir_fd=at, dst_dir_fd=at)


def lock_file(path: Path, operation: int) -> int:
    """Open a lock file, made where it is missing, and take its lock; closing the descriptor gives it back.

    Args:
        path: the file.
        operation: of `fcntl.flock`.

    Raises:
        BlockingIOError: it is taken, and `operation` does not wait.
    """
    descriptor = open_file(path.parent, path.name, flags=os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def size_of(path: Path) -> int:
    """The bytes of a file, 0 where there is none; a link counts as itself."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _open(name: str, flags: int, mode: int = 0o600, *, at: int, within: Path) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=at)
    except OSError as error:
        # A link to a folder is ENOTDIR where a folder is asked for.
        if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            raise
        raise ServerUnavailable(
            f"{name} in {within} is a link, or no folder, and is not followed; remove it, or remove the whole folder"
        ) from error
