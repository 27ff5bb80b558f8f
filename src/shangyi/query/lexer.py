"""Tokens of FHIRPath (http://hl7.org/fhirpath/N1/#lexical-elements); CQL gives a pattern of its own (``cql.lexer``)."""

import re
from dataclasses import dataclass

from shangyi.query.errors import ParseError, excerpt

DATE = r"\d{4}(?:-\d\d(?:-\d\d)?)?"
TIME = r"\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+|//[^\r\n]*|/\*.*?\*/)
  | (?P<datetime>@{DATE}T(?:{TIME}(?:Z|[+-]\d\d:\d\d)?)?)
  | (?P<date>@{DATE})
  | (?P<time>@T{TIME})
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<quoted>`(?:[^`\\]|\\.)*`)
  | (?P<variable>\$[A-Za-z]+)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<symbol><=|>=|!=|!~|[-+*/&|<>=~.,()\[\]{{}}%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/", "'": "'", '"': '"', "`": "`"}


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is a group of the pattern or ``end``; ``text`` the value: strings without quotes and escapes."""

    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str, pattern: re.Pattern[str] = _TOKEN) -> list[Token]:
    """All tokens, blanks and comments left out, an ``end`` token last; ParseError at what is none.

    ``pattern``: a named group for each kind; values of ``string`` and ``quoted`` stand between marks of one character.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = pattern.match(text, position)
        if match is None:
            raise error(
                "Unexpected character {character}", text, position, position + 1, character=text[position]
            )
        kind = match.lastgroup or ""
        if text.startswith("/*", position) and kind == "symbol":
            raise error("A comment is not closed", text, position, len(text))
        if kind in ("string", "quoted"):
            value = _unescape(text, match.start() + 1, match.end() - 1)
            tokens.append(Token(kind, value, match.start(), match.end()))
        elif kind != "space":
            tokens.append(Token(kind, match.group(), match.start(), match.end()))
        position = match.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def error(template: str, text: str, start: int, end: int, **args: object) -> ParseError:
    """A ParseError that marks ``text[start:end]``."""
    line, column = place(text, start)
    return ParseError(template, line=line, column=column, context=excerpt(text, start, end), **args)


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _unescape(text: str, start: int, end: int) -> str:
    inner = text[start:end]
    if "\\" not in inner:
        return inner

    def character(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            at = start + match.start()
            raise error("Unknown escape {escape}", text, at, at + 2, escape="\\" + code)
        return _ESCAPES[code]

    return _ESCAPE.sub(character, inner)
