"""Reads the CSV file of `student import`: rows that can be sold, and rows that cannot, with their lines and reasons."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tripwire_db.errors import InvalidInput
from tripwire_db.validation import parse_email, parse_name, parse_price

COLUMNS = ("email", "full_name", "price")
_NEEDED = frozenset({"email", "full_name"})


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A student to make; `line` is where the row begins, from 1. Without a price it is the course's."""

    line: int
    email: str
    full_name: str
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of which no student is made."""

    line: int
    email: str
    reason: str


@dataclass(slots=True)
class Sheet:
    """What stands in a file."""

    rows: list[SheetRow] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)


def read(path: Path) -> Sheet:
    """Read a file whole, before anybody is made.

    UTF-8 with or without a byte order mark; commas or semicolons, whichever the head line has. Of a repeated e-mail the
    first row that can be right counts.

    Raises:
        InvalidInput: no such text, no head line with the columns, or quotes that do not end.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"line {line} is not UTF-8: save the file as CSV UTF-8, then import it again") from None
    except OSError as error:
        raise InvalidInput(f"the file cannot be read: {error.strerror}") from None
    records = _records(text)
    head_line, head = next(records, (1, []))
    columns = _columns(head_line, head)
    sheet, lines = Sheet(), dict[str, int]()
    for line, fields in records:
        try:
            row = _row(line, columns, fields)
            if row.email in lines:
                raise InvalidInput(f"repeats the e-mail of line {lines[row.email]}")
        except InvalidInput as error:
            email = dict(zip(columns, fields, strict=False)).get("email", "")
            sheet.refused.append(RefusedRow(line, email.strip(), str(error.args[0])))
        else:
            lines[row.email] = line
            sheet.rows.append(row)
    return sheet


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, each with the line it begins on."""
    lines = io.StringIO(text, newline="")  # csv's own idea of lines: a name may hold what str.splitlines takes for one
    head = next((line for line in lines if line.strip()), "")
    lines.seek(0)
    reader = csv.reader(lines, delimiter=";" if ";" in head else ",", strict=True)
    begins = 1
    try:
        for fields in reader:
            if any(part.strip() for part in fields):
                yield begins, fields
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(f"line {begins} is no CSV: {error}; is a quote missing?") from None


def _columns(line: int, head: list[str]) -> list[str]:
    names = [name.strip().lower() for name in head]
    if "password" in names:
        raise InvalidInput("passwords are not imported: take the column out, and set them by `student password`")
    if len(set(names)) < len(names) or not _NEEDED <= set(names) <= set(COLUMNS):
        raise InvalidInput(
            f"line {line} must name the columns: email, full_name and, if you like, price, each once, and no other"
        )
    return names


def _row(line: int, columns: list[str], fields: list[str]) -> SheetRow:
    if len(fields) != len(columns):
        raise InvalidInput(f"has {len(fields)} fields, and the head line {len(columns)}")
    value = dict(zip(columns, fields, strict=True))
    price = value.get("price", "").strip()
    return SheetRow(
        line=line,
        email=parse_email("email", value["email"]),
        full_name=parse_name("full_name", value["full_name"]),
        price=parse_price(price) if price else None,
    )
