"""FHIR JSON (http://hl7.org/fhir/R4/json.html) to and from plain dicts, decimals exact: 1.20 stays 1.20.

``loads`` is for what comes from outside: it refuses what a resource must not hold (names given twice, NUL, too
deep a nesting). ``decode`` is for bytes that this program wrote itself. Bulk load decodes and encodes each resource
anyway, so it uses ``decode``, and ``check_foreign`` in place of what ``loads`` adds.
"""

import codecs
import json as standard
import re
from decimal import Decimal
from typing import Any

import msgspec

from shangyi.errors import Invalid, TooLarge, Unprocessable

Resource = dict[str, Any]
DEEPEST = 200
"""Levels of objects and arrays; no resource of the specification comes near."""
MOST_VALUES = 2_000_000
"""Values in one document: decoded they take some hundred bytes each, however short they are written."""
_OTHER_BYTES = bytes(set(range(256)) - set(b"{}[]"))
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"')

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def loads(data: bytes | str, largest: int | None = None) -> Resource:
    """The object in ``data`` (UTF-8); Invalid, with the byte position, where it is not sound JSON.

    ``largest``: bytes that are taken at most, TooLarge beyond.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if largest is not None and len(raw) > largest:
        raise TooLarge("More than {largest} bytes", largest=largest)
    check_count(raw)
    value = decode(raw)
    check_foreign(raw, dumps(value))
    return value


def check_foreign(raw: bytes, again: bytes, quotes_left_out: int = 0) -> None:
    """Invalid where ``raw``, which decodes, is not what a resource may look like.

    ``again``: what it decoded to, encoded; ``quotes_left_out``: how many quotation marks less that has on purpose.
    """
    if again.count(b"{") + again.count(b"[") > DEEPEST and _deep(again):
        raise Invalid("Nested more than {depth} levels deep", depth=DEEPEST)
    if holds_nul(again):
        raise Invalid("A text must not hold the character NUL")
    # A name given twice is lost in the dict, and its quotation marks with it. Only escapes could make up for them.
    if raw == again:
        return
    escaped = b"\\" in raw and b"\\u0022" in raw
    if escaped or raw.count(b'"') != again.count(b'"') + quotes_left_out:
        _refuse_twice(raw)


def holds_nul(data: bytes) -> bool:
    """Whether a text in JSON that ``dumps`` wrote holds U+0000, which neither PostgreSQL nor XML can hold."""
    # looked for in this order, since one byte is found thirty times as fast as six
    if b"\\" not in data or b"\\u0000" not in data:
        return False
    return b"\0" in data.replace(b"\\\\", b"").replace(b"\\u0000", b"\0")


def check_count(raw: bytes) -> None:
    """TooLarge where the document holds more than MOST_VALUES values; a comma in a text counts as one, too."""
    if len(raw) > MOST_VALUES and sum(map(raw.count, (b",", b"{", b"["))) > MOST_VALUES:
        raise TooLarge("More than {most:,} values in one document; load such data in bulk", most=MOST_VALUES)


def decode(data: bytes | str) -> Resource:
    """The object in ``data``, without the checks on foreign input; Invalid where it is not a JSON object."""
    try:
        value = _decoder.decode(data)
    except RecursionError:
        raise Invalid("Nested more than {depth} levels deep", depth=DEEPEST) from None
    except (UnicodeError, msgspec.DecodeError) as error:
        if isinstance(data, bytes) and data.startswith(_MARKS):
            raise Invalid("FHIR JSON is UTF-8 without a byte-order mark") from error
        if isinstance(error, msgspec.DecodeError):
            raise Invalid("Not valid JSON: {reason}", reason=str(error)) from error
        raise Invalid("Not valid UTF-8: {reason}", reason=str(error)) from error
    except (ValueError, ArithmeticError) as error:
        raise Invalid("Not valid JSON: {reason}", reason=str(error)) from error
    if not isinstance(value, dict):
        raise Invalid("A FHIR resource is a JSON object")
    return value


def dumps(resource: object) -> bytes:
    """Compact JSON in UTF-8, keys in their order, decimals as written."""
    try:
        return _encoder.encode(resource)
    except (RecursionError, UnicodeError) as error:
        raise Unprocessable("Cannot be written as JSON: {reason}", reason=str(error)) from error


def _deep(raw: bytes, stripped: bool = False) -> bool:
    """Whether brackets nest too deeply: innermost pairs are struck out level by level, at C speed."""
    left, struck = raw.translate(None, _OTHER_BYTES), 0
    while left and struck < DEEPEST:
        if struck + len(left) <= DEEPEST:
            return False
        before = len(left)
        left = left.replace(b"{}", b"").replace(b"[]", b"")
        if len(left) == before:
            break
        struck += 1
    if left and not stripped:  # brackets in texts do not pair up
        return _deep(_STRING.sub(b"", raw), stripped=True)
    depth = struck
    for byte in left:
        depth += 1 if byte in b"{[" else -1
        if depth > DEEPEST:
            return True
    return False


def _refuse_twice(raw: bytes) -> None:
    """Raise where an object has one name twice; called only when the count of names hints at it."""

    def pairs(found: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in found]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Invalid("{name} is given twice in one object", name=twice)

    standard.loads(raw, object_pairs_hook=pairs, parse_float=str, parse_int=str)
