"""Bundles of what was found or what happened (http://hl7.org/fhir/R4/bundle.html), stored bodies spliced in as they are."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec

from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.negotiation import Format
from shangyi.api.subset import Subset
from shangyi.fhir import json
from shangyi.store.model import Method, Version

_REASON = {Method.CREATE: ("POST", "201"), Method.UPDATE: ("PUT", "200"), Method.DELETE: ("DELETE", "204")}


def body_of(call: Call, version: Version, subset: Subset | None = None, included: bool = False) -> Any:
    """What to put at ``resource``: the stored bytes for JSON, a dict for XML or a subset."""
    if subset is not None:
        return subset.apply(version.resource, included)
    return version.resource if call.format is Format.XML else msgspec.Raw(version.body)


def search_entry(call: Call, version: Version, mode: str, subset: Subset | None = None) -> Resource:
    """A match or an included resource."""
    return {
        "fullUrl": f"{call.base}/{version.type}/{version.id}",
        "resource": body_of(call, version, subset, mode == "include"),
        "search": {"mode": mode},
    }


def history_entry(call: Call, version: Version) -> Resource:
    """One version with what made it (http://hl7.org/fhir/R4/http.html#history)."""
    verb, status = _REASON[version.method]
    entry: Resource = {"fullUrl": f"{call.base}/{version.type}/{version.id}"}
    if version.body:
        entry["resource"] = body_of(call, version)
    entry["request"] = {"method": verb, "url": version.type if verb == "POST" else version.reference}
    entry["response"] = {"status": status, "etag": version.etag, "lastModified": instant(version.updated)}
    return entry


def instant(moment: datetime) -> str:
    """A FHIR instant in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def link(call: Call, relation: str, parameters: Iterable[tuple[str, str]]) -> Resource:
    """A link to this place with these parameters, always one that GET understands, in the format that was asked for."""
    place = call.path.removesuffix("/_search").rstrip("/")
    query = urlencode([*parameters, *call.presentation], quote_via=quote, safe=":,|/$")
    return {"relation": relation, "url": f"{call.base}{place}" + (f"?{query}" if query else "")}


def bundle(
    call: Call, type_: str, links: Sequence[Resource], entries: Sequence[Resource], total: int | None = None
) -> reply.Reply:
    """The Bundle as an answer. It has no empty arrays, as FHIR JSON wants."""
    content: Resource = {
        "resourceType": "Bundle",
        "id": str(uuid4()),
        "meta": {"lastUpdated": instant(datetime.now(UTC))},
        "type": type_,
    }
    if total is not None:
        content["total"] = total
    if links:
        content["link"] = list(links)
    if entries:
        content["entry"] = list(entries)
    return reply.resource(call, content if call.format is Format.XML else json.dumps(content))
