"""What an embedded server is told at each start, as the text of a configuration file."""

from collections.abc import Mapping
from pathlib import Path

UNIX_ONLY_PORT = 5432
"""Without TCP a port is only part of the socket's name, and each cluster's socket has a folder of its own."""

Setting = str | int | float | bool


def configuration(socket_dir: Path, tcp_port: int | None, settings: Mapping[str, Setting]) -> str:
    """Write down a server's settings.

    Args:
        socket_dir: the folder of its unix socket.
        tcp_port: its port on 127.0.0.1; None for the socket only.
        settings: PostgreSQL's own names and values; they win over ours.

    Returns:
        The file's text, one setting a line.

    Examples:
        >>> print(configuration(Path("/run/x"), None, {"fsync": False}).splitlines()[-1])
        fsync = 'off'
    """
    told: dict[str, Setting] = {
        "listen_addresses": "" if tcp_port is None else "127.0.0.1",
        "port": tcp_port or UNIX_ONLY_PORT,
        "unix_socket_directories": '"{}"'.format(str(socket_dir).replace('"', '""')),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **settings,
    }
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in told.items())


def _quoted(value: Setting) -> str:
    text = ("on" if value else "off") if isinstance(value, bool) else str(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
