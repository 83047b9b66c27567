"""What commands print: tables and pictures for people, JSON for machines; answers on stdout, remarks on stderr.

Colour only on a terminal, and never under NO_COLOR. Whatever comes from the database is printed as it is: it is no
markup, and its control and bidi characters cannot steer a terminal.
"""

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tripwire_db.safe_text import UNSAFE, printable, without_passwords

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

TIME_ZONE = "Asia/Almaty"
"""Times are shown in the course's own zone; in JSON they are in UTC."""

PIPED_WIDTH = 1000
"""Columns where standard output is no terminal: wide enough that no line of a table is folded."""


_LEAST_FOLDED = 12
_BETWEEN_COLUMNS = 2
_EDGES = 2


def console(*, stderr: bool = False) -> "Console":
    """Where to print; made anew each time, since Typer's test runner changes the streams."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    if _columns_of_environment():
        width = None
    elif stream.isatty():
        width = shutil.get_terminal_size().columns
    else:
        width = PIPED_WIDTH
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def _columns_of_environment() -> int:
    """COLUMNS, or 0 where it says nothing: in 0 columns, which a terminal without a size gives, nothing would be printed."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and columns.isascii() else 0


def can_draw() -> bool:
    """Whether standard output can show block characters."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def clean(value: object) -> str:
    """A value as one line of text that cannot steer a terminal, and shows no password of a URL."""
    return without_passwords(printable(str(value), one_line=True))


def note(message: str, *, label: str = "") -> None:
    """Write a remark on standard error, on as many lines as it has."""
    from rich.text import Text

    text = Text()
    if label:
        text.append(f"{label}: ", style="bold red")
    lines = [clean(line) for line in message.splitlines()]
    text.append("\n".join(lines))
    console(stderr=True).print(text, soft_wrap=True)


def say(message: "str | Text" = "") -> None:
    """Write a line of the answer on standard output."""
    console().print(clean(message) if isinstance(message, str) else message, soft_wrap=True)


def is_wide() -> bool:
    """Whether a table has room for a person's name and e-mail side by side."""
    return console().width >= 110


def person(name: object, email: object) -> "list[Text]":
    """The cells of a person, for columns that `person_columns` names: e-mail beside the name, or under it."""
    from rich.text import Text

    return _two(Text(clean(name) if name else "–"), Text(clean(email) if email else "–", style="dim"))


def person_columns(name: str) -> list[str]:
    """The columns of a person; see `person`."""
    return [name, "E-mail"] if is_wide() else [name]


def times(first: object, second: object) -> "list[Text]":
    """The cells of two times, for columns that `times_columns` names: beside each other, or one under the other."""
    from rich.text import Text

    return _two(Text(_cell(first)), Text(_cell(second)))


def _two(first: "Text", second: "Text") -> "list[Text]":
    from rich.text import Text

    return [first, second] if is_wide() else [Text("\n").join((first, second))]


def times_columns(first: str, second: str) -> list[str]:
    """The columns of two times; see `times`."""
    return [f"={first}", f"={second}"] if is_wide() else [f"={first}, {second.lower()}"]


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> "Table | Text":
    """A table; a column whose name begins with `>` is aligned to the right, and like one that begins with `=` not folded.

    Where the terminal is too narrow for what must not be folded, numbers above all, each row is a list of facts instead.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    names = [column.lstrip(">=") for column in columns]
    cells = [[cell if isinstance(cell, Text) else Text(_cell(cell)) for cell in row] for row in rows]
    if _least_width(columns, cells) > console().width:
        return _list_of_facts(title, names, cells, caption)
    shown = Table(
        title=Text(clean(title), style="bold"),
        title_justify="left",
        caption=Text(caption, style="dim") if caption else None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for name, column in zip(names, columns, strict=True):
        right, whole = column.startswith(">"), column.startswith((">", "="))
        shown.add_column(name, justify="right" if right else "left", no_wrap=whole, overflow="fold")
    for row in cells:
        shown.add_row(*row)
    return shown


def _least_width(columns: Sequence[str], cells: "Sequence[Sequence[Text]]") -> int:
    """The columns that a table needs: whole ones as wide as what is in them, the others enough for a word or two."""
    from rich.cells import cell_len

    width = 0
    for at, column in enumerate(columns):
        texts = [column.lstrip(">="), *(row[at].plain for row in cells)]
        widest = max(cell_len(line) for text in texts for line in text.split("\n"))
        width += widest if column.startswith((">", "=")) else min(widest, _LEAST_FOLDED)
    return width + _BETWEEN_COLUMNS * (len(columns) - 1) + _EDGES


def _list_of_facts(title: str, names: Sequence[str], rows: "Sequence[Sequence[Text]]", caption: str) -> "Text":
    from rich.text import Text

    width = max(map(len, names)) + 2
    blocks = [Text(clean(title), style="bold")] if title else []
    for row in rows:
        block = Text()
        for name, cell in zip(names, row, strict=True):
            for number, line in enumerate(cell.split("\n")):
                label = name if number == 0 else ""
                block.append("\n" if block else "").append(f"{label:<{width}}", style="dim").append_text(line)
        blocks.append(block)
    return Text("\n\n").join([*blocks, *([Text(caption, style="dim")] if caption else [])])


def pairs(title: str, facts: Mapping[str, object]) -> "Text":
    """A few facts, one a line; a long one is left to the terminal to fold, so that it can be copied whole."""
    from rich.text import Text

    width = max(map(len, facts)) + 2
    shown = Text(clean(title), style="bold")
    for name, value in facts.items():
        shown.append(f"\n{name:<{width}}", style="not bold dim").append(_cell(value), style="not bold")
    return shown


def show(*parts: object) -> None:
    """Print tables, texts and pictures on standard output, one below the other."""
    from rich.text import Text

    for part in parts:
        console().print(part, soft_wrap=isinstance(part, Text))


def show_json(value: object) -> None:
    """Print a result, or a list of them, as JSON: ids and times as strings, money as numbers."""
    document = json.dumps(plain(value), indent=2, ensure_ascii=not can_draw())
    # JSON lets controls and bidi characters stand; a terminal would obey them.
    sys.stdout.write(UNSAFE.sub(lambda found: json.dumps(found[0])[1:-1], document) + "\n")


def plain(value: object) -> Any:
    """What JSON can hold of a result: its fields, by their names.

    Raises:
        TypeError: there is no form for it.
    """
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif hasattr(value, "_asdict"):
        value = value._asdict()
    match value:
        case None | bool() | int() | float() | str():
            return value
        case UUID():
            return str(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date():
            return (value.astimezone(UTC) if isinstance(value, datetime) else value).isoformat()
        case Mapping():
            return {str(key): plain(part) for key, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def money(amount: Decimal) -> str:
    """KZT with spaces between thousands, and decimals only where there are any.

    Examples:
        >>> money(Decimal("1250000")), money(Decimal("4999.5"))
        ('1 250 000', '4 999.50')
    """
    whole = amount == amount.to_integral_value()
    return f"{amount:,.0f}".replace(",", " ") if whole else f"{amount:,.2f}".replace(",", " ")


def percent(value: Decimal | float) -> str:
    """A percentage with one decimal, 0–100.

    Examples:
        >>> percent(Decimal("66.666666"))
        '66.7 %'
    """
    return f"{value:.1f} %"


def clock(seconds: float) -> str:
    """A position in a video.

    Examples:
        >>> clock(1805)
        '30:05'
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"


def moment(at: datetime | None) -> str:
    """A time in the course's zone, to the minute; a dash for none."""
    return "–" if at is None else at.astimezone(local_zone()).strftime("%Y-%m-%d %H:%M")


@cache
def local_zone() -> tzinfo:
    """The course's zone; where this machine has no time zones, the offset that Almaty has had since March 2024."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(TIME_ZONE)
    except ZoneInfoNotFoundError:
        return timezone(timedelta(hours=5))


def _cell(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return money(value)
        case datetime():
            return moment(value)
    return clean(value)
