"""Entity tags and dates of HTTP as FHIR uses them (http://hl7.org/fhir/R4/http.html#versioning)."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache

from shangyi.errors import Invalid

_ETAG = re.compile(r'(?:W/)?"(?P<version>[^"]*)"')


def entity_tag(text: str) -> int:
    """The version in ``W/"3"`` (a strong tag too); Invalid for what this server never gives out."""
    match = _ETAG.fullmatch(text.strip())
    version = match["version"] if match else text.strip()
    if not version.isascii() or not version.isdigit() or len(version) > 9:
        raise Invalid('If-Match needs one entity tag as W/"3"')
    return int(version)


def matches_any(text: str, etag: str) -> bool:
    """Whether ``If-None-Match`` names this tag, compared weakly (RFC 9110 section 13.1.2)."""
    if text.strip() == "*":
        return True
    wanted = etag.removeprefix("W/").strip('"')
    return any(match["version"] == wanted for match in _ETAG.finditer(text))


@lru_cache(maxsize=4096)
def _http_date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)


def http_date(instant: datetime) -> str:
    """``Tue, 24 Nov 2026 00:00:00 GMT`` (RFC 9110 section 5.6.7)."""
    return _http_date(int(instant.timestamp()))


def not_modified_since(text: str, updated: datetime) -> bool:
    """Whether nothing is newer than ``If-Modified-Since``; a date that cannot be read is ignored, as HTTP says."""
    try:
        since = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return False
    if since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    return int(updated.timestamp()) <= int(since.timestamp())
