"""Answers: status, headers, body in the negotiated format. A stored JSON body is sent as it is, never decoded."""

import gzip
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from shangyi.api.call import Call, Resource
from shangyi.api.formats import write_xml
from shangyi.api.headers import http_date
from shangyi.api.negotiation import Format
from shangyi.errors import Issue
from shangyi.fhir import json
from shangyi.i18n import translate
from shangyi.store.model import Version

Headers = list[tuple[bytes, bytes]]

NO_STORE = (b"cache-control", b"no-store")
_TYPES = {kind: (b"content-type", f"{kind.value}; charset=utf-8".encode()) for kind in Format}


@dataclass(slots=True)
class Reply:
    """What goes back: the body whole, since every page is bounded; else a ``file``, sent piece by piece."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    file: Path | None = None

    def packed(self, accept_encoding: bytes, minimum: int = 1400) -> "Reply":
        """Gzipped where the client takes it and it pays: not under one network packet."""
        if len(self.body) >= minimum and _takes_gzip(accept_encoding):
            self.body = gzip.compress(self.body, compresslevel=4, mtime=0)
            self.headers.append((b"content-encoding", b"gzip"))
        return self


def _takes_gzip(accept_encoding: bytes) -> bool:
    for part in accept_encoding.lower().split(b","):
        name, _, quality = part.partition(b";")
        if name.strip() in (b"gzip", b"*"):
            return quality.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False


def render(call: Call, body: bytes | Resource) -> bytes:
    """A resource, or its compact JSON, in the format asked for."""
    if call.format is Format.XML:
        return write_xml(json.loads(body) if isinstance(body, bytes) else body)
    data = body if isinstance(body, bytes) else json.dumps(body)
    return msgspec.json.format(data, indent=2) if call.pretty else data


def resource(
    call: Call, body: bytes | Resource, status: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()
) -> Reply:
    """A resource."""
    return Reply(status, render(call, body), [_TYPES[call.format], NO_STORE, *headers])


def version_headers(version: Version) -> Headers:
    """ETag and Last-Modified of a version."""
    return [
        (b"etag", version.etag.encode()),
        (b"last-modified", http_date(version.updated).encode()),
    ]


def version(
    call: Call, found: Version, status: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()
) -> Reply:
    """One version of a resource, its stored body untouched."""
    return resource(call, found.body, status, [*version_headers(found), *headers])


def outcome_of(issues: Iterable[Issue], language: str) -> Resource:
    """An OperationOutcome; where the reader's language is not English, ``details.text`` says it in theirs."""
    found: list[Resource] = []
    for issue in issues:
        entry = issue.to_fhir()
        if language != "en":
            text = translate(issue.text, language)
            told = text.format(**issue.args) if issue.args else text
            entry["details"] = {"text": f"{issue.place}: {told}" if issue.place else told}
        found.append(entry)
    return {"resourceType": "OperationOutcome", "issue": found}


def outcome(
    call: Call, issues: Iterable[Issue], status: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()
) -> Reply:
    """An OperationOutcome of these issues."""
    return resource(call, outcome_of(issues, call.language), status, headers)


def written(call: Call, found: Version, status: int) -> Reply:
    """The answer to a write as ``Prefer: return`` asks (http://hl7.org/fhir/R4/http.html#ops)."""
    headers = version_headers(found)
    if status == 201 or call.method != "DELETE":
        location = f"{call.base}/{found.type}/{found.id}/_history/{found.version}".encode()
        headers.append((b"location", location))
    match call.prefer.get("return"):
        case "minimal":
            return Reply(status, b"", [NO_STORE, *headers])
        case "OperationOutcome":
            text = "Created as version {version}" if status == 201 else "Version {version} is current"
            issue = Issue("information", "informational", text, {"version": found.version})
            return outcome(call, [issue], status, headers)
    return resource(call, found.body, status, headers)
