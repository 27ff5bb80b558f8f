"""What the client asks for: format, charset, pretty printing, preferences (http://hl7.org/fhir/R4/http.html#mime-type)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shangyi.errors import Invalid, ShangyiError


class NotAcceptable(ShangyiError):
    """No format that the client accepts is one that this server writes."""

    status, code = 406, "not-supported"


class UnsupportedMediaType(ShangyiError):
    """The body is of a type, charset or encoding that this server does not read."""

    status, code = 415, "not-supported"


class Format(StrEnum):
    """The two formats of a resource; the value is the media type that is sent."""

    JSON = "application/fhir+json"
    XML = "application/fhir+xml"


FORMATS: Mapping[str, Format] = {
    "json": Format.JSON,
    "application/json": Format.JSON,
    "application/fhir+json": Format.JSON,
    "text/json": Format.JSON,
    "application/json+fhir": Format.JSON,
    "xml": Format.XML,
    "application/xml": Format.XML,
    "application/fhir+xml": Format.XML,
    "text/xml": Format.XML,
    "application/xml+fhir": Format.XML,
}
WILDCARDS: Mapping[str, Format] = {"*/*": Format.JSON, "application/*": Format.JSON, "text/*": Format.XML}
VERSIONS = frozenset({"4.0", "4.0.0", "4.0.1"})


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type and its parameters, names and type in lower case."""

    name: str
    parameters: Mapping[str, str]


@lru_cache(maxsize=256)
def media_type(text: str) -> MediaType:
    """``application/fhir+json; charset=utf-8`` in its parts (RFC 9110 section 8.3.1)."""
    name, *rest = text.split(";")
    pairs = (part.partition("=") for part in rest if part.strip())
    parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
    return MediaType(name.strip().lower(), parameters)


def check_parameters(kind: MediaType, error: type[ShangyiError]) -> None:
    """UTF-8 only, FHIR 4.0 only (http://hl7.org/fhir/R4/http.html#version-parameter)."""
    charset = kind.parameters.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise error("Only the charset UTF-8 is served, not {charset}", charset=charset)
    version = kind.parameters.get("fhirversion", "4.0")
    if version not in VERSIONS:
        raise error("Only FHIR version 4.0 is served, not {version}", version=version)


@lru_cache(maxsize=1024)
def accepted(accept: str) -> Format:
    """The best format for an ``Accept`` header (RFC 9110 section 12.5.1); NotAcceptable where there is none."""
    best: tuple[float, int, Format] | None = None
    refusal: ShangyiError | None = None
    for position, part in enumerate(accept.split(",")):
        kind = media_type(part)
        found = FORMATS.get(kind.name) if "/" in kind.name else None
        found = found or WILDCARDS.get(kind.name)
        if found is None:
            continue
        try:
            quality = float(kind.parameters.get("q", "1"))
            check_parameters(kind, NotAcceptable)
        except ValueError:
            quality = 0.0
        except NotAcceptable as error:
            refusal = error
            continue
        if quality > 0 and (best is None or (quality, -position) > best[:2]):
            best = (quality, -position, found)
    if best is None:
        raise refusal or NotAcceptable(
            "This server writes application/fhir+json and application/fhir+xml only"
        )
    return best[2]


def response_format(accept: str | None, query: Iterable[tuple[str, str]]) -> Format:
    """``_format`` before ``Accept``, JSON where neither is given (http://hl7.org/fhir/R4/http.html#parameters)."""
    asked = [value for name, value in query if name == "_format"]
    if len(asked) > 1:
        raise Invalid("The parameter {name} may be given once only", name="_format")
    if asked and asked[0]:
        kind = media_type(asked[0].replace(" ", "+"))  # an unescaped + in a URL arrives as a space
        check_parameters(kind, NotAcceptable)
        if kind.name not in FORMATS:
            raise NotAcceptable("This server writes application/fhir+json and application/fhir+xml only")
        return FORMATS[kind.name]
    return accepted(accept) if accept and accept.strip() else Format.JSON


def body_format(content_type: str | None) -> Format:
    """The format of a request body; UnsupportedMediaType when it is missing or not one of FHIR's."""
    if not content_type:
        raise UnsupportedMediaType(
            "The body needs a Content-Type: application/fhir+json or application/fhir+xml"
        )
    kind = media_type(content_type)
    if kind.name not in FORMATS or "/" not in kind.name:
        raise UnsupportedMediaType("A body of the type {type} is not read here", type=kind.name)
    check_parameters(kind, UnsupportedMediaType)
    return FORMATS[kind.name]


@lru_cache(maxsize=256)
def preferences(prefer: str) -> Mapping[str, str]:
    """``return=minimal; handling=strict`` as a dict (RFC 7240, http://hl7.org/fhir/R4/http.html#ops)."""
    parts = prefer.replace(";", ",").split(",")
    pairs = (part.partition("=") for part in parts if part.strip())
    found: dict[str, str] = {}
    for key, _, value in pairs:
        found.setdefault(key.strip().lower(), value.strip().strip('"'))
    return found
