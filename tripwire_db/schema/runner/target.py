"""Which database, and how it is named in messages: the password never is."""

import configparser
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.config import Config
from sqlalchemy.engine import URL

from tripwire_db.errors import InvalidInput
from tripwire_db.postgres.errors import THE_URL
from tripwire_db.postgres.url import mask_secret, parse, place_of
from tripwire_db.schema.runner.errors import MigrationError

_CALLER = "the caller"
_TEMPLATE_URL = "driver://user:pass@localhost/dbname"
"""What `alembic init` writes into alembic.ini: no database."""


class NoDatabase(MigrationError):
    """Nobody says which database; the message says where to."""

    def __init__(self, variables: Sequence[str], example: str) -> None:
        """Take the variables of the environment that may say it, and what a URL looks like."""
        others = f" ({', '.join(variables[1:])} is taken where that is not set)" if variables[1:] else ""
        super().__init__(
            f"No database is given. Set {variables[0]} to a direct or session connection, for example "
            f"{example}{others}, or give it once: "
            "alembic -x url=postgresql://..."
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A database to connect to.

    Attributes:
        parameters: What libpq wants to know, password included; never printed.
        source: Where the URL was found, for messages.
        variables: Of the environment, that may hold one.
    """

    parameters: dict[str, Any] = field(repr=False)
    source: str
    variables: tuple[str, ...] = ("DATABASE_URL",)

    @classmethod
    def find(
        cls,
        config: Config,
        given: str | None,
        variables: tuple[str, ...] = ("DATABASE_URL",),
        example: str = "postgresql://USER:PASSWORD@HOST:5432/DATABASE",
    ) -> "Target":
        """Find the URL: `-x url=…`, the caller's own, sqlalchemy.url, then the variables of the environment.

        Raises:
            NoDatabase: There is none.
            MigrationError: It cannot be read.
        """
        places = (
            ("-x url", given),
            (_CALLER, config.attributes.get("url")),
            ("sqlalchemy.url", _main_option(config)),
            *((variable, os.environ.get(variable)) for variable in variables),
        )
        for source, value in places:
            if value:
                text = value.render_as_string(hide_password=False) if isinstance(value, URL) else str(value)
                return cls(_parse(text.strip(), source), source, variables)
        raise NoDatabase(variables, example)

    @property
    def url_name(self) -> str:
        """What its URL is called in advice, as in `check the end of TRIPWIRE_MIGRATIONS_URL`."""
        return THE_URL if self.source == _CALLER else self.source

    @property
    def user(self) -> str:
        """The user's name, or "" where libpq finds it by itself."""
        return str(self.parameters.get("user", ""))

    @property
    def ports(self) -> list[str]:
        """The ports, one for each host; empty where none is given."""
        return [port for port in str(self.parameters.get("port", "")).split(",") if port]

    def __str__(self) -> str:
        """The database for people: user, host, port and name, without the password."""
        return place_of(self.parameters)

    def url(self) -> URL:
        """The URL as SQLAlchemy shows it (`alembic current -v`), without the password."""
        port = self.ports[0] if len(self.ports) == 1 else None
        return URL.create(
            "postgresql+psycopg",
            username=self.user or None,
            host=self.parameters.get("host"),
            port=int(port) if port and port.isdigit() else None,
            database=self.parameters.get("dbname"),
        )

    def mask(self, text: str) -> str:
        """Replace the password in a text, however it is written.

        One that is also a public part of the URL ("postgres") is only replaced where it stands as a password.
        """
        return mask_secret(text, self.parameters)


def _main_option(config: Config) -> str | None:
    """Read sqlalchemy.url; a `%` that ConfigParser cannot interpolate stands for itself."""
    section = config.config_ini_section
    if not config.file_config.has_option(section, "sqlalchemy.url"):
        return None
    try:
        found = config.file_config.get(section, "sqlalchemy.url")
    except configparser.InterpolationError:
        found = config.file_config.get(section, "sqlalchemy.url", raw=True)
    return None if found == _TEMPLATE_URL else found


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return dict(parse(text))
    except InvalidInput as error:
        raise MigrationError(f"{source}: {error.args[0] if error.args else error}") from None
