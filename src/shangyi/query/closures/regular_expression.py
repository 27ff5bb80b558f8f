"""Regular expressions in linear time, by RE2 as in DuckDB: whoever writes a rule cannot make a server stand still.

RE2 has all of PCRE but look-around and back-references (https://github.com/google/re2/wiki/Syntax); they are refused.
"""

from collections.abc import Iterator
from functools import lru_cache

import re2  # type: ignore[import-untyped]

from shangyi.query.errors import EvaluationError

_FLAGS = frozenset("ims")


class RegularExpression:
    """Of a text. ``.`` matches line ends too; flags ``i`` (any case), ``m`` (lines), ``s`` (as it is).

    Works on UTF-8: what RE2's Python module does for ``str`` is seven times as dear.
    """

    __slots__ = ("_pattern",)

    def __init__(self, text: str, flags: str = "") -> None:
        if set(flags) - _FLAGS:
            raise EvaluationError("{flags} are no flags of a regular expression", flags=flags)
        options = re2.Options()
        options.dot_nl = True
        options.log_errors = False
        options.case_sensitive = "i" not in flags
        try:
            self._pattern = re2.compile(_bytes("(?m)" + text if "m" in flags else text), options)
        except re2.error as error:
            raise EvaluationError("Not a regular expression: {reason}", reason=_reason(error)) from None

    def found_in(self, text: str) -> bool:
        """Whether some part of the text matches."""
        return self._pattern.search(_bytes(text)) is not None

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        return self._pattern.fullmatch(_bytes(text)) is not None

    def between(self, text: str) -> Iterator[str]:
        """What stands between the matches that are not empty."""
        whole, last = _bytes(text), 0
        for match in self._pattern.finditer(whole):
            if match.end() > match.start():
                yield _text(whole[last : match.start()])
                last = match.end()
        yield _text(whole[last:])

    def replaced(self, text: str, template: str) -> str:
        r"""The text with every match replaced; ``\g<1>`` and ``\g<name>`` stand for groups. EvaluationError where there is none."""
        try:
            return _text(self._pattern.sub(_bytes(template), _bytes(text)))
        except (re2.error, IndexError) as error:
            raise EvaluationError("Not a replacement: {reason}", reason=_reason(error)) from None


@lru_cache(maxsize=1024)
def regular_expression(text: str, flags: str = "") -> RegularExpression:
    """The regular expression, compiled once. EvaluationError where RE2 does not know it."""
    return RegularExpression(text, flags)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(encoded: bytes) -> str:
    return encoded.decode("utf-8", "surrogatepass")


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
