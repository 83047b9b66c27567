"""The file: a tar of pg_dump's folder, of COPYs of others' rows, and, last, of the manifest, which only a whole file has."""

import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from tripwire_db.errors import InvalidInput, Refused, Unavailable
from tripwire_db.schema.backup.results import Manifest, Member, TableState

MANIFEST = "manifest.json"
DUMP = "dump"
_FORMAT = 1
_FOLDERS = ".tripwire-backup-"
_LOCK = "lock"
_BLOCK = 1024 * 1024
_MEMBER = re.compile(r"dump/[\w.-]+|[\w.-]+\.copy")
_WRONG = "is no backup of tripwire-db, or is cut off: its manifest, which is written last, is not there"


def copy_name(table: str) -> str:
    """The member that holds the rows of a table of others."""
    return f"{table}.copy"


def refuse_existing(file: Path) -> None:
    """Refuse to write over a file, before any work.

    Raises:
        InvalidInput: it is there.
    """
    if file.exists() or file.is_symlink():
        raise InvalidInput(f"{file} is there already, and is not written over: name another file, or a folder")


@contextmanager
def draft_in(parent: Path) -> Iterator[Path]:
    """A private folder where a file is to be made, gone at the end; those of killed processes are removed, too.

    Raises:
        InvalidInput: the folder is not there, or cannot be written into.
        Unavailable: there is no room in it.
    """
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(_private_folder(parent))
        except OSError as error:
            raise InvalidInput(f"{parent} cannot be written into: {error.strerror}") from error
        try:
            yield folder
        except OSError as error:
            raise Unavailable(
                f"the backup could not be written into {parent}: {error.strerror}", applied=False
            ) from error


@contextmanager
def _private_folder(parent: Path) -> Iterator[Path]:
    """A new folder, gone at the end, with a lock in it that tells the next process that this one is alive."""
    _clear_abandoned(parent)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_FOLDERS, dir=parent))
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            break
        os.close(lock)  # who cleared up beside us saw it before it was locked
    try:
        yield folder
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def _clear_abandoned(parent: Path) -> None:
    for lock in parent.glob(f"{_FOLDERS}*/{_LOCK}"):
        with suppress(OSError):  # somebody else's, in use, or just being removed
            descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent)
            finally:
                os.close(descriptor)


class Writer:
    """Writes an archive; what is added is removed from the draft, so that it takes its space once."""

    def __init__(self, path: Path) -> None:
        """Make the file, for its owner alone."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 closed below
        self.members: dict[str, Member] = {}

    def add(self, name: str, source: Path) -> None:
        """Move a file into the archive."""
        size, digest = source.stat().st_size, hashlib.sha256()
        with source.open("rb") as content:
            self._tar.addfile(_entry(name, size), _Digesting(content, digest))
        self.members[name] = Member(size, digest.hexdigest())
        source.unlink()

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, and have all of it on the disk."""
        text = json.dumps({"format": _FORMAT, **asdict(manifest)}, default=str, indent=2).encode()
        self._tar.addfile(_entry(MANIFEST, len(text)), io.BytesIO(text))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Digesting:
    """A file that is summed up as it is read."""

    def __init__(self, file: Any, digest: Any) -> None:
        self._file = file
        self._digest = digest

    def read(self, size: int = -1) -> bytes:
        block: bytes = self._file.read(size)
        self._digest.update(block)
        return block


def publish(draft: Path, file: Path) -> None:
    """Give a finished draft its name, unless somebody has it by now.

    Raises:
        InvalidInput: somebody has.
    """
    try:
        os.link(draft, file)
    except FileExistsError:
        raise InvalidInput(
            f"{file} is there already, and is not written over: name another file, or a folder"
        ) from None
    except OSError:  # a file system without links
        if file.exists():
            raise InvalidInput(f"{file} is there already, and is not written over: name another file") from None
        draft.rename(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_manifest(file: Path) -> Manifest:
    """Read what a backup holds; its files are not looked at.

    Raises:
        InvalidInput: there is no such file, or it cannot be read.
        Refused: it is no whole backup, or of a newer version.
    """
    with _opened(file) as archive:
        members = archive.getmembers()
        if not members or members[-1].name != MANIFEST:
            raise Refused(f"{file} {_WRONG}")
        content = archive.extractfile(members[-1])
        document = json.loads(content.read()) if content is not None else {}
        if document.get("format") != _FORMAT:
            raise Refused(
                f"{file} is of a format that this version of tripwire-db does not know ({document.get('format')}): restore it "
                "with the version that made it, or a newer one"
            )
        manifest = _manifest(document)
        sizes = {member.name: member.size for member in members[:-1]}
        if sizes != {name: one.bytes for name, one in manifest.files.items()}:
            raise Refused(f"{file} is damaged: its files are not those of its manifest. Take another backup")
        return manifest


@contextmanager
def unpacked(file: Path, manifest: Manifest) -> Iterator[Path]:
    """A private folder with a backup's files, gone at the end; in TMPDIR. Those of killed processes are removed, too.

    Raises:
        Refused: a file in it is not as it was written.
        Unavailable: there is no room.
    """
    with _opened(file) as archive, ExitStack() as stack:
        try:
            folder = stack.enter_context(_private_folder(Path(tempfile.gettempdir())))
            (folder / DUMP).mkdir(mode=0o700)
            for member in archive:
                if member.name != MANIFEST:
                    _unpack(archive, member, folder, manifest, file)
        except OSError as error:
            raise Unavailable(f"{file} could not be unpacked: {error.strerror}", applied=False) from error
        yield folder


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, manifest: Manifest, file: Path) -> None:
    content = archive.extractfile(member) if member.isreg() else None
    if content is None or _MEMBER.fullmatch(member.name) is None or ".." in member.name:
        raise Refused(f"{file} is no backup of tripwire-db: it has a member {member.name!r}")
    digest = hashlib.sha256()
    with (folder / member.name).open("wb") as out:
        while block := content.read(_BLOCK):
            digest.update(block)
            out.write(block)
    if digest.hexdigest() != manifest.files[member.name].sha256:
        raise Refused(f"{file} is damaged: {member.name} in it is not what was written. Take another backup")


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, mode="r:") as archive:
            yield archive
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"{file} {_WRONG}") from error
    except FileNotFoundError:
        raise InvalidInput(f"there is no file {file}") from None
    except (IsADirectoryError, PermissionError) as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _manifest(document: dict[str, Any]) -> Manifest:
    del document["format"]
    return Manifest(
        **{
            **document,
            "at": datetime.fromisoformat(document["at"]),
            "tables": {name: TableState(**one) for name, one in document["tables"].items()},
            "outside": {name: TableState(**one) for name, one in document["outside"].items()},
            "files": {name: Member(**one) for name, one in document["files"].items()},
            "left_out": tuple(document["left_out"]),
        }
    )
