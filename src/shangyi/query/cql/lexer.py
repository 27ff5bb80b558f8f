"""Tokens of CQL (https://cql.hl7.org/03-developersguide.html#lexical-elements)."""

import re

from shangyi.query.lexer import DATE, TIME, Token
from shangyi.query.lexer import tokenize as tokens_of

_TOKEN = re.compile(
    rf"""
    (?P<space>\s+|//[^\r\n]*|/\*.*?\*/|\ufeff)
  | (?P<datetime>@{DATE}T(?:{TIME})?(?:Z|[+-]\d\d:\d\d)?)
  | (?P<date>@{DATE})
  | (?P<time>@T{TIME})
  | (?P<long>\d+L\b)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<quoted>"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)
  | (?P<variable>\$[A-Za-z]+)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<symbol><=|>=|!=|!~|->|[-+*/^&|<>=~.,:()\[\]{{}}%])
    """,
    re.VERBOSE | re.DOTALL,
)
_TAG = re.compile(r"@([A-Za-z_]\w*)\s*:?[ \t]*(\"(?:[^\"\\]|\\.)*\"|[^\r\n@]*)")

PRECISIONS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
PLURALS = {f"{word}s": word for word in PRECISIONS}
UNITS = {**PLURALS, **{word: word for word in PRECISIONS}}

RESERVED = frozenset(
    "aggregate all and as after before between case cast Code collapse Concept convert difference distinct duration"
    " during else exists expand false flatten from if in included is Interval let List maximum minimum not null occurs"
    " of on or per point properly return same singleton sort such then to true Tuple when with within without"
    " year years month months week weeks day days hour hours minute minutes second seconds millisecond"
    " milliseconds".split()
)
"""Words that are never names unless quoted."""

WORDS = RESERVED | frozenset(
    "asc ascending by called code codesystem codesystems concept contains context date default define desc descending"
    " display div end ends except fluent function implies include includes intersect library meets mod overlaps"
    " parameter predecessor private public start starting starts successor time timezone timezoneoffset union using"
    " valueset version where width xor".split()
)
"""All words of the language; those that are not reserved can be names where no alias is expected."""


def tokenize(text: str) -> list[Token]:
    """All tokens and an ``end`` token; ParseError at what is none."""
    return tokens_of(text, _TOKEN)


def tags(comment: str) -> tuple[tuple[str, str], ...]:
    """The ``@name: value`` of the comments before a definition
    (https://cql.hl7.org/03-developersguide.html#annotations).
    """
    found = []
    for line in comment.splitlines():
        found += [(name, value.strip().removesuffix("*/").strip('" ')) for name, value in _TAG.findall(line)]
    return tuple(found)
