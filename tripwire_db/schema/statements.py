"""SQL taken apart just far enough to judge it: statements, without comments, with what they execute inside DO blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<dollar> (?P<tag>\$\w*\$) .*? (?P=tag) )
    | (?P<string> (?<=[eE])(?<!\w[eE]) ' (?: \\. | '' | [^'\\] )* ' | ' (?: [^'] | '' )* ' )
    | (?P<name> " (?: [^"] | "" )* " )
    | (?P<end> ; )
    | (?P<other> [^-/$'";]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)

# What a statement may follow in PL/pgSQL without a semicolon between, and what is no statement at all.
_KEYWORD = re.compile(r"\b(begin|then|else|loop|declare|exception)\b", re.IGNORECASE)
_STRUCTURE = re.compile(
    r"(.*\b(begin|then|else|loop|declare|exception)|end(\s+(if|loop|case))?)", re.IGNORECASE | re.DOTALL
)

# The body of a function in standard SQL holds statements of its own.
_ATOMIC = re.compile(r"\bbegin\s+atomic\b(.*)", re.IGNORECASE | re.DOTALL)
_OPENED = re.compile(r"\bcase\b", re.IGNORECASE)
_CLOSED = re.compile(r"\bend\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        sql: as it is written, comments left out.
        masked: the same with strings and bodies emptied, so that words in them are no keywords.
        line: of its first word, from 1.
        inside: whether it stands in the body of a DO block.
    """

    sql: str
    masked: str
    line: int
    inside: bool = False

    @property
    def first_line(self) -> str:
        """Its first line, by which its source can be found."""
        return self.sql.strip().partition("\n")[0]


def statements(sql: str) -> Iterator[Statement]:
    """Take SQL apart, the bodies of DO blocks too: what they run, they run at once."""
    written, masked, start, position = "", "", 0, 0
    for token in _TOKEN.finditer(sql):
        kind = token.lastgroup if token.lastgroup != "tag" else "dollar"
        text = token[0]
        if not written.strip():
            start = position
        if kind == "end" and not _is_open(masked):
            yield from _statement(sql, written, masked, start)
            written = masked = ""
        elif kind != "comment":
            written += text
            masked += {"dollar": "$$", "string": "''"}.get(kind or "", text)
        position = token.end()
        if kind == "dollar" and re.match(r"\s*do\b", masked, re.IGNORECASE):
            body = text[len(token["tag"]) : -len(token["tag"])]
            offset = sql.count("\n", 0, token.start())
            for inner in statements(_KEYWORD.sub(r"\1;", body)):
                if not _STRUCTURE.fullmatch(inner.masked):
                    yield Statement(inner.sql, inner.masked, inner.line + offset, inside=True)
    yield from _statement(sql, written, masked, start)


def _is_open(masked: str) -> bool:
    """Whether a semicolon here stands inside the body of a function (BEGIN ATOMIC … END)."""
    body = _ATOMIC.search(masked)
    return body is not None and len(_CLOSED.findall(body[1])) <= len(_OPENED.findall(body[1]))


def _statement(sql: str, written: str, masked: str, start: int) -> Iterator[Statement]:
    if written.strip():
        begin = start + len(sql[start:]) - len(sql[start:].lstrip())
        yield Statement(written.strip(), masked.strip(), sql.count("\n", 0, begin) + 1)
