"""Strings (https://cql.hl7.org/09-b-cqlreference.html#string-operators-3); positions count from 0."""

import re

from shangyi.query.closures.regular_expression import regular_expression

_REFERENCE = re.compile(r"\\(.)|\$\{(\w+)\}|\$(\d+)", re.DOTALL)


def combine(texts: list[str | None] | None, separator: str | None = None) -> str | None:
    """``Combine``: the strings that are not null, one after another; None of an empty list."""
    return (separator or "").join(text for text in texts if text is not None) if texts else None


def concatenate(*texts: str | None) -> str | None:
    """``+`` of strings, ``Concatenate``."""
    return None if None in texts else "".join(texts)  # type: ignore[arg-type]


def join(left: str | None, right: str | None) -> str:
    """``&``: a null counts as the empty string."""
    return (left or "") + (right or "")


def starts_with(text: str | None, prefix: str | None) -> bool | None:
    """``StartsWith``."""
    return None if text is None or prefix is None else text.startswith(prefix)


def ends_with(text: str | None, suffix: str | None) -> bool | None:
    """``EndsWith``."""
    return None if text is None or suffix is None else text.endswith(suffix)


def position_of(pattern: str | None, text: str | None) -> int | None:
    """``PositionOf``; -1 where it does not occur."""
    return None if text is None or pattern is None else text.find(pattern)


def last_position_of(pattern: str | None, text: str | None) -> int | None:
    """``LastPositionOf``."""
    return None if text is None or pattern is None else text.rfind(pattern)


def upper(text: str | None) -> str | None:
    """``Upper``."""
    return None if text is None else text.upper()


def lower(text: str | None) -> str | None:
    """``Lower``."""
    return None if text is None else text.lower()


def substring(text: str | None, start: int | None, length: int | None = None) -> str | None:
    """``Substring``; None where it would start outside, though it may start at the end of an empty string."""
    if text is None or start is None or not (0 <= start < len(text) or start == len(text) == 0):
        return None
    return text[start:] if length is None else text[start : start + max(0, length)]


def split(text: str | None, separator: str | None) -> list[str] | None:
    """``Split``; a null or empty separator splits nothing."""
    if text is None:
        return None
    return text.split(separator) if separator else [text]


def split_on_matches(text: str | None, pattern: str | None) -> list[str] | None:
    """``SplitOnMatches``: what stands between the matches."""
    if text is None:
        return None
    if not pattern:
        return [text]
    return list(regular_expression(pattern).between(text))


def matches(text: str | None, pattern: str | None) -> bool | None:
    """``Matches``: some part of the text matches (1.5.3: partial matching, single line mode)."""
    return None if text is None or pattern is None else regular_expression(pattern).found_in(text)


def replace_matches(text: str | None, pattern: str | None, replacement: str | None) -> str | None:
    """``ReplaceMatches``: ``$1`` and ``${name}`` stand for groups, a backslash takes the next character as it is."""
    if text is None or pattern is None or replacement is None:
        return None
    template = _REFERENCE.sub(_group, _escaped_backslash_end(replacement))
    return regular_expression(pattern).replaced(text, template)


def _group(match: re.Match[str]) -> str:
    if match[1] is not None:
        return "\\\\" if match[1] == "\\" else match[1]
    return rf"\g<{match[2] or match[3]}>"


def _escaped_backslash_end(text: str) -> str:
    """A single backslash at the end, which takes no next character, stands for itself."""
    trailing = len(text) - len(text.rstrip("\\"))
    return text + "\\" if trailing % 2 else text
