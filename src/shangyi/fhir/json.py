"""FHIR JSON (http://hl7.org/fhir/R4/json.html) to and from plain dicts, decimals exact: 1.20 stays 1.20."""

from decimal import Decimal
from typing import Any

import msgspec

from shangyi.errors import Invalid

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def loads(data: bytes | str) -> dict[str, Any]:
    """The object in ``data``; Invalid with the byte position where it is not JSON."""
    try:
        value = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Invalid("Not valid JSON: {reason}", reason=str(error)) from error
    if not isinstance(value, dict):
        raise Invalid("A FHIR resource is a JSON object")
    return value


def dumps(resource: object) -> bytes:
    """Compact JSON in UTF-8, keys in their order, decimals as written."""
    return _encoder.encode(resource)
