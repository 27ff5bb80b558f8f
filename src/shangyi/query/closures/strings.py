"""http://hl7.org/fhirpath/N1/#string-manipulation and the additional string functions (STU)"""

import base64
import binascii
import html
import json
import re

from shangyi.query.closures.adapters import Builder, flat, on_collections, on_value
from shangyi.query.closures.regular_expression import regular_expression
from shangyi.query.closures.values import Collection, single_value, system
from shangyi.query.errors import EvaluationError

_JSON_ESCAPE = re.compile(r'(\\u[0-9a-fA-F]{4}|\\["\\/bfnrt])+')
_GROUP_REFERENCE = re.compile(r"\$\{(\w+)\}|\$(\d+)")


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(0, length)]


def _matches(text: str, pattern: str, flags: str | None = None) -> bool:
    return regular_expression(pattern, flags or "").found_in(text)


def _matches_full(text: str, pattern: str, flags: str | None = None) -> bool:
    return regular_expression(pattern, flags or "").matches(text)


def _replace_matches(text: str, pattern: str, replacement: str, flags: str | None = None) -> str:
    if not pattern:
        return text
    template = _GROUP_REFERENCE.sub(r"\\g<\1\2>", replacement.replace("\\", r"\\"))
    return regular_expression(pattern, flags or "").replaced(text, template)


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
