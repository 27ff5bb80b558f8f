"""http://hl7.org/fhirpath/N1/#string-manipulation and the additional string functions (STU)"""

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from functools import lru_cache

from shangyi.query.closures.adapters import Builder, flat, on_collections, on_value
from shangyi.query.closures.values import Collection, single_value, system
from shangyi.query.errors import EvaluationError

_GROUP_NAME = re.compile(r"\(\?<(?=[A-Za-z_])")
_JSON_ESCAPE = re.compile(r'(\\u[0-9a-fA-F]{4}|\\["\\/bfnrt])+')
_GROUP_REFERENCE = re.compile(r"\$\{(\w+)\}|\$(\d+)")


@lru_cache(maxsize=1024)
def regular_expression(text: str, flags: str = "") -> re.Pattern[str]:
    """A regular expression: PCRE's named groups as Python's, a point matches line ends too."""
    known = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
    if set(flags) - known.keys():
        raise EvaluationError("{flags} are no flags of a regular expression", flags=flags)
    combined = re.DOTALL
    for flag in flags:
        combined |= known[flag]
    try:
        return re.compile(_GROUP_NAME.sub("(?P<", text), combined)
    except (re.error, OverflowError, RecursionError) as error:
        raise EvaluationError("Not a regular expression: {reason}", reason=str(error)) from None


def matcher(pattern: str) -> Callable[[str], bool]:
    """``matches()`` with a pattern that does not change."""
    search = regular_expression(pattern).search
    return lambda text: search(text) is not None


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(0, length)]


def _matches(text: str, pattern: str, flags: str | None = None) -> bool:
    return regular_expression(pattern, flags or "").search(text) is not None


def _matches_full(text: str, pattern: str, flags: str | None = None) -> bool:
    return regular_expression(pattern, flags or "").fullmatch(text) is not None


def _replace_matches(text: str, pattern: str, replacement: str, flags: str | None = None) -> str:
    if not pattern:
        return text
    template = _GROUP_REFERENCE.sub(r"\\g<\1\2>", replacement.replace("\\", r"\\"))
    try:
        return regular_expression(pattern, flags or "").sub(template, text)
    except (re.error, IndexError) as error:
        raise EvaluationError("Not a replacement: {reason}", reason=str(error)) from None


def _encode(text: str, form: str) -> str | None:
    raw = text.encode("utf-8", "surrogatepass")
    match form:
        case "hex":
            return raw.hex()
        case "base64":
            return base64.b64encode(raw).decode()
        case "urlbase64":
            return base64.urlsafe_b64encode(raw).decode()
        case "ascii":
            return text.encode("ascii", "replace").decode()
    return None


def _decode(text: str, form: str) -> str | None:
    try:
        match form:
            case "hex":
                return bytes.fromhex(text).decode()
            case "base64":
                return base64.b64decode(text, validate=True).decode()
            case "urlbase64":
                return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        pass
    return None


def _escape(text: str, target: str) -> str | None:
    match target:
        case "html":
            return html.escape(text)
        case "json":
            return json.dumps(text, ensure_ascii=False)[1:-1]
    return None


def _unescape(text: str, target: str) -> str | None:
    match target:
        case "html":
            return html.unescape(text)
        case "json":
            return _JSON_ESCAPE.sub(lambda match: str(json.loads(f'"{match[0]}"')), text)
    return None


def _join(items: Collection, separator: Collection | None = None) -> Collection:
    texts = [text for text in map(system, items) if text is not None]
    if any(type(text) is not str for text in texts):
        raise EvaluationError("Only strings can be joined")
    return [str(single_value(separator or []) or "").join(texts)] if items else []


FUNCTIONS: dict[str, Builder] = {
    "indexOf": on_value(str.find),
    "lastIndexOf": on_value(str.rfind),
    "substring": on_value(_substring),
    "startsWith": on_value(str.startswith),
    "endsWith": on_value(str.endswith),
    "contains": on_value(str.__contains__),
    "upper": on_value(str.upper),
    "lower": on_value(str.lower),
    "replace": on_value(str.replace),
    "matches": on_value(_matches),
    "matchesFull": on_value(_matches_full),
    "replaceMatches": on_value(_replace_matches),
    "length": on_value(len),
    "toChars": flat(on_value(list)),
    "encode": on_value(_encode),
    "decode": on_value(_decode),
    "escape": on_value(_escape),
    "unescape": on_value(_unescape),
    "trim": on_value(str.strip),
    "split": flat(on_value(lambda text, separator: text.split(separator) if separator else list(text))),
    "join": on_collections(_join),
}
