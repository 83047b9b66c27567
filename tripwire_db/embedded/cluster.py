"""One PostgreSQL cluster: a folder with its data, its log, its locks and (where the path is short enough) its socket.

Over the socket, which only its owner and root can reach, nobody is asked for a password; over TCP, which is off unless
asked for and on loopback only, the random password in the folder is.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

from tripwire_db.embedded.account import Account, ServerUnavailable, server_account
from tripwire_db.embedded.binaries import server_version, usable_bin_dir
from tripwire_db.embedded.configuration import Setting, configuration
from tripwire_db.embedded.environment import hidden_libpq_settings, hide_libpq_settings, show_libpq_settings
from tripwire_db.embedded.folder import lock_file, open_file, read_file, size_of, write_file
from tripwire_db.embedded.postmaster import Postmaster

SUPERUSER = "postgres"
_SOCKET_PATH_LIMIT = 107  # bytes of sockaddr_un.sun_path, less its end
_LOG_LIMIT = 8 * 1024 * 1024


class Cluster:
    """One PostgreSQL cluster in one folder.

    As a context manager it is in use until the end of the block; the last one out, of all processes, stops the server.
    Until then libpq's variables (PGHOSTADDR, PGSERVICE …) are hidden from this process and from what it starts, so that
    its URL leads to it and nowhere else: connect to other servers before or after, where these are to count.

    Attributes:
        bin_dir: the folder with `postgres`, `initdb` and `pg_ctl`.
        directory: the cluster's folder; made at the first start.
        data_dir: PostgreSQL's data folder in it.

    Examples:
        >>> from tripwire_db.embedded import embedded_bin_dir, home
        >>> with Cluster(embedded_bin_dir(), home() / "example") as cluster:
        ...     cluster.running
        True
    """

    def __init__(
        self,
        bin_dir: Path,
        directory: Path,
        *,
        settings: Mapping[str, Setting] | None = None,
        tcp_port: int | None = None,
        superuser: str = SUPERUSER,
    ) -> None:
        self.account: Account = server_account()
        self.bin_dir = usable_bin_dir(bin_dir, self.account)
        self.directory = directory.absolute()
        self.data_dir = self.directory / "data"
        self._settings = dict(settings or {})
        self._tcp_port = tcp_port
        self._superuser = superuser
        self._in_use: int | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self, settings: Mapping[str, Setting] | None = None, tcp_port: int | None = None) -> Self:
        """Start the server, making the cluster first where there is none; a running server is left as it is.

        Args:
            settings: PostgreSQL's, as in `{"fsync": False}`; they replace those of the start before.
            tcp_port: also listen on 127.0.0.1; 0 takes a free port. None: the socket only.

        Returns:
            The cluster itself, ready for connections.

        Raises:
            ServerUnavailable: it cannot be made or started, or runs without the TCP port asked for.
        """
        if settings is not None:
            self._settings = dict(settings)
        if tcp_port is not None:
            self._tcp_port = tcp_port
        self._prepare_folder()
        with self._lock("start.lock"):
            self._start()
        return self

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server and wait until it is gone; one that doesn't run is left alone.

        Args:
            mode: `fast` ends the sessions and writes everything out; `immediate` is a crash, mended at the next start;
                `smart` waits for the sessions' own end.

        Raises:
            ServerUnavailable: it did not stop within a minute.
        """
        if self.directory.exists():
            with self._lock("start.lock"):
                self._stop(mode)

    def restart(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> Self:
        """Stop the server and start it on the same port, with the same settings."""
        server = Postmaster.of(self.data_dir)
        port = server.port if server is not None and server.listens_on_tcp else self._tcp_port
        self.stop(mode)
        return self.start(tcp_port=port)

    def remove(self) -> None:
        """Stop the server and delete the cluster, data and all."""
        if self.directory.exists():
            try:
                with self._lock("start.lock"):
                    self._remove()
            except FileNotFoundError:
                return  # a process that found it abandoned is deleting it already

    def remove_if_abandoned(self) -> bool:
        """Delete the cluster unless some process uses it, or is just starting or stopping it.

        Returns:
            True if it was deleted.
        """
        try:
            with self._lock("start.lock", wait=False):
                if self.in_use:
                    return False
                self._remove()
        except (BlockingIOError, FileNotFoundError):
            return False
        return True

    def __enter__(self) -> Self:
        self._prepare_folder()
        with self._lock("start.lock"):
            self._in_use = lock_file(self.directory / "use.lock", fcntl.LOCK_SH)
            try:
                self._start()
            except BaseException:
                os.close(self._in_use)
                raise
        hide_libpq_settings()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        show_libpq_settings()
        with self._lock("start.lock"):
            if self._in_use is not None:
                os.close(self._in_use)
                self._in_use = None
            if not self.in_use:
                self._stop("fast")

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """True while the server takes connections."""
        server = Postmaster.of(self.data_dir)
        return server is not None and server.ready

    @property
    def in_use(self) -> bool:
        """True while any process holds the cluster open as a context manager."""
        try:
            os.close(lock_file(self.directory / "use.lock", fcntl.LOCK_EX | fcntl.LOCK_NB))
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @property
    def pid(self) -> int:
        """The process id of the running server (its postmaster).

        Raises:
            ServerUnavailable: it doesn't run.
        """
        return self._running_postmaster().pid

    @property
    def port(self) -> int:
        """The running server's port, of TCP where it is on and of the socket's name; ServerUnavailable without one."""
        return self._running_postmaster().port

    @property
    def password(self) -> str:
        """The superuser's password, asked for over TCP."""
        return read_file(self.directory, "password").strip()

    @property
    def socket_dir(self) -> Path:
        """The folder of the unix socket: the cluster's own, or a short private one where that path is too long.

        Or where it has a comma: libpq takes that for the end of one host and the beginning of another.
        """
        name = f"{self.directory}/.s.PGSQL.65535"
        if len(os.fsencode(name)) <= _SOCKET_PATH_LIMIT and "," not in name:
            return self.directory
        digest = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"tripwire-db-{self.account.uid}-{digest}"

    @property
    def version(self) -> str:
        """The server's version, as in `"18.6"`."""
        return server_version(self.bin_dir, self.account)

    @property
    def major(self) -> int:
        """The server's major version, as in `18`."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def url(self, database: str = "postgres", *, user: str | None = None, tcp: bool = False) -> str:
        """Give the URL of a database, for libpq, psycopg and (with its driver named) SQLAlchemy.

        Args:
            database: its name; it need not exist yet.
            user: who connects, by default the superuser; over TCP only the superuser's password is known here.
            tcp: over 127.0.0.1 with the password, instead of the socket.

        Returns:
            As in `postgresql://postgres@/app?host=%2Frun%2Fx&port=5432`.

        Raises:
            ServerUnavailable: it doesn't run, or doesn't listen on TCP.
        """
        server = self._running_postmaster()
        user = self._superuser if user is None else user
        if not tcp:
            host = quote(str(server.socket_dir), safe="")
            return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={host}&port={server.port}"
        if not server.listens_on_tcp:
            raise ServerUnavailable(f"the server in {self.directory} does not listen on TCP; start it with tcp_port=0")
        credentials = f"{quote(user, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{credentials}@127.0.0.1:{server.port}/{quote(database, safe='')}"

    def create_database(self, database: str, *, template: str | None = None) -> str:
        """Create a database, empty or as a copy of another.

        Args:
            database: its name.
            template: the database to copy; nobody may be connected to it.

        Returns:
            Its URL.

        Raises:
            psycopg.errors.DuplicateDatabase: it exists.
        """
        from psycopg import sql

        from tripwire_db.postgres.connect import connect

        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with hidden_libpq_settings(), connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)
        return self.url(database)

    # -- under the start lock -----------------------------------------------------------------------------------------

    def _prepare_folder(self) -> None:
        existing = next(folder for folder in (self.directory, *self.directory.parents) if folder.exists())
        self.account.require_way_to(existing)
        self.account.make_folder(self.directory, private=True)
        if self.directory.stat().st_uid != self.account.uid:
            raise ServerUnavailable(
                f"{self.directory} does not belong to {self.account.name}, who runs the server; "
                "name a folder that does not exist yet by TRIPWIRE_EMBEDDED_DIR, or unset that"
            )

    def _start(self) -> None:
        server = Postmaster.of(self.data_dir)
        if server is None or not server.wait_until_ready():
            if (self.data_dir / "PG_VERSION").exists():
                self._check_version()
            else:
                self._init()
            Postmaster.clear_leftovers(self.data_dir, self.socket_dir)
            self._launch()
        elif self._tcp_port is not None and not server.listens_on_tcp:
            raise ServerUnavailable(f"the server in {self.directory} already runs, without TCP; stop it first")

    def _init(self) -> None:
        """Make the data folder aside and move it into place, so that one killed meanwhile leaves nothing half made."""
        draft = self.directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._write("password", text=secrets.token_urlsafe(24) + "\n")
        locale = ["--locale=C.UTF-8"]
        if self.major >= 17:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        done = self.account.run(
            [
                self.bin_dir / "initdb",
                "--no-sync",
                "--no-instructions",
                "--encoding=UTF8",
                *locale,
                f"--username={self._superuser}",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                f"--pwfile={self.directory / 'password'}",
                f"--pgdata={draft}",
            ],
            timeout=120,
        )
        if done.returncode != 0:
            raise ServerUnavailable(f"initdb failed in {self.directory}: {(done.stderr or done.stdout).strip()}")
        file = open_file(self.directory, draft.name, "postgresql.conf", flags=os.O_WRONLY | os.O_APPEND)
        with os.fdopen(file, "a", encoding="utf-8") as configuration:
            configuration.write("include = 'tripwire.conf'  # written anew at each start\n")
        draft.rename(self.data_dir)

    def _check_version(self) -> None:
        made_by = read_file(self.directory, "data", "PG_VERSION").strip()
        if made_by != str(self.major):
            raise ServerUnavailable(
                f"{self.directory} was made by PostgreSQL {made_by}, and {self.bin_dir} has {self.version}: "
                "dump it with its own version, or move the folder away"
            )

    def _launch(self) -> None:
        if self.socket_dir != self.directory:
            self.account.make_folder(self.socket_dir, private=True)
            status = self.socket_dir.lstat()
            if status.st_uid != self.account.uid or status.st_mode & 0o077:
                raise ServerUnavailable(f"{self.socket_dir} belongs to somebody else; remove it, or set TMPDIR")
        log = self.directory / "server.log"
        if size_of(log) > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        attempts = 3 if self._tcp_port == 0 else 1  # a free port may be taken by somebody in between
        for attempt in range(1, attempts + 1):
            port = _free_port() if self._tcp_port == 0 else self._tcp_port
            self._write("data", "tripwire.conf", text=configuration(self.socket_dir, port, self._settings))
            position = size_of(log)
            done = self.account.run(
                [self.bin_dir / "pg_ctl", "start", "-w", "-s", "-t", "60", "-D", self.data_dir, "-l", log], timeout=90
            )
            if done.returncode == 0:
                return
            said = read_file(self.directory, log.name, position=position).strip() if size_of(log) else ""
            if attempt == attempts or "Address already in use" not in said:
                raise ServerUnavailable(
                    f"PostgreSQL did not start in {self.directory}: {done.stderr.strip()}\n{said[-2000:]}"
                )

    def _stop(self, mode: Literal["smart", "fast", "immediate"]) -> None:
        if (server := Postmaster.of(self.data_dir)) is not None:
            server.stop(mode)

    def _remove(self) -> None:
        self._stop("immediate")
        shutil.rmtree(self.directory)
        if self.socket_dir != self.directory and self.socket_dir.exists():
            shutil.rmtree(self.socket_dir)

    # -- small things -------------------------------------------------------------------------------------------------

    def _running_postmaster(self) -> Postmaster:
        server = Postmaster.of(self.data_dir)
        if server is None:
            raise ServerUnavailable(f"the server in {self.directory} does not run; call start()")
        return server

    def _write(self, *names: str, text: str) -> None:
        """Write a file that belongs to the server's account alone, whole or not at all."""
        owner = (self.account.uid, self.account.gid) if self.account.switched else None
        write_file(self.directory, *names, text=text, owner=owner)

    @contextmanager
    def _lock(self, name: str, *, wait: bool = True) -> Iterator[None]:
        """Hold one of the cluster's locks; the system gives it back when its holder dies, however it dies."""
        descriptor = lock_file(self.directory / name, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield
        finally:
            os.close(descriptor)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
