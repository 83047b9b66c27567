"""Text that others wrote, made safe to print: no control or bidi characters, no passwords of URLs, no literals of SQL."""

import re

# Unicode's categories Cc (but tab and newline), Cf, Zl and Zp, and lone surrogates, which no stream can encode.
_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u2064\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
UNSAFE = re.compile(f"[{_UNSAFE}]")
_UNSAFE_RUN = re.compile(f"[{_UNSAFE}]+")
_UNSAFE_IN_LINE = re.compile(f"[\t\n{_UNSAFE}]+")

# One slash: what a path makes of two.
_CREDENTIALS = re.compile(r"(:/{1,2}[^:/?#@\s'\"]*):(\S*)@")
_SECRET_PARAMETERS = re.compile(r"((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&'\"]+)", re.IGNORECASE)

# What a statement is made of, as far as its literals and comments must be told from the rest.
_TOKEN = re.compile(
    r"""
      (?P<identifier>"(?:[^"]|"")*"?|[^\W\d][\w$]*)
    | (?P<number>\d[\d._eExXa-fA-F]*)
    | (?P<quote>')
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<parameter>\$\d+)
    | (?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# Before a quote they are part of the literal.
_PREFIXES = {"e", "b", "x", "n", "u"}


def printable(text: str, *, one_line: bool = False) -> str:
    r"""A text that cannot steer a terminal, reorder a line or forge one in a log.

    Args:
        text: by whomever.
        one_line: True takes newlines and tabs out, too.

    Examples:
        >>> printable("A\x1b[2J\u202eB")
        'A�[2J�B'
    """
    return (_UNSAFE_IN_LINE if one_line else _UNSAFE_RUN).sub("�", text)


def without_passwords(text: str) -> str:
    """Hide the passwords of any URLs and connection strings in a text.

    Examples:
        >>> without_passwords("No such command 'postgresql://app:secret@db/course'")
        "No such command 'postgresql://app:***@db/course'"
    """
    return _SECRET_PARAMETERS.sub(r"\1***", _CREDENTIALS.sub(_masked, text))


def _masked(found: re.Match[str]) -> str:
    # As our own messages write it.
    is_example = found[2] == "PASSWORD" or (found[1].endswith("user") and found[2] == "password")
    return found[0] if is_example else f"{found[1]}:***@"


def without_literals(sql: str) -> str:
    """A statement on one line, `?` for each text and number in it, without comments: any of them may be a secret.

    Where a backslash makes it unclear where a text ends, the rest is left out.

    Examples:
        >>> without_literals("ALTER ROLE app PASSWORD 'secret' VALID UNTIL 'infinity' -- mine")
        'ALTER ROLE app PASSWORD ? VALID UNTIL ?'
    """
    parts: list[str] = []
    at = 0
    while at < len(sql):
        token = _TOKEN.match(sql, at)
        if token is None:  # pragma: no cover - any character is a token
            raise AssertionError(at)
        at, kind, text = token.end(), token.lastgroup, token[0]
        if kind == "quote":
            end = _end_of_quote(sql, at)
            if parts and parts[-1].lower() in _PREFIXES:
                parts.pop()
            parts.append("?")
            if end is None:
                parts.append(" …")
                break
            at = end
        elif kind == "dollar":
            end = sql.find(text, at)
            parts.append("?")
            at = len(sql) if end < 0 else end + len(text)
        elif kind == "block":
            parts.append(" ")
            at = _end_of_comment(sql, at)
        elif kind == "line":
            parts.append(" ")
        else:
            parts.append("?" if kind == "number" else text)
    return " ".join("".join(parts).split())


def _end_of_quote(sql: str, at: int) -> int | None:
    """Where the text ends that began before `at`; None where a backslash before a quote leaves it open."""
    while True:
        end = sql.find("'", at)
        if end < 0:
            return len(sql)
        if sql[end - 1] == "\\":
            return None
        if not sql.startswith("'", end + 1):
            return end + 1
        at = end + 2


def _end_of_comment(sql: str, at: int) -> int:
    """Where the comment ends that began before `at`; comments nest."""
    depth = 1
    for mark in re.compile(r"/\*|\*/").finditer(sql, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(sql)
