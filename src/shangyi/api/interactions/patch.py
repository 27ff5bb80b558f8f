"""PATCH [base]/[type]/[id] and PATCH [base]/[type]?[search], as JSON Patch (http://hl7.org/fhir/R4/http.html#patch)."""

from decimal import Decimal
from typing import Any

import msgspec

from shangyi.api import json_patch, reply
from shangyi.api.body import check_depth
from shangyi.api.call import Call, Resource
from shangyi.api.interactions.update import if_match
from shangyi.api.negotiation import UnsupportedMediaType
from shangyi.api.reply import Reply
from shangyi.errors import Invalid, NotFound, PreconditionFailed
from shangyi.fhir import json
from shangyi.store.model import SearchRequest, Written

MEDIA_TYPE = "application/json-patch+json"
ATTEMPTS = 5
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)


def patch(call: Call) -> Reply:
    """200 with the patched version; 422 where the patch does not fit, and then nothing is changed."""
    operations = operations_of(call)
    return reply.written(call, apply(call, call.place["id"], operations).version, 200)


def conditional_patch(call: Call) -> Reply:
    """The one match is patched; none: 404; several: 412."""
    if not call.parameters:
        raise Invalid("A conditional patch needs search parameters in the address")
    operations = operations_of(call)
    asked = [*call.parameters, ("_count", "2")]
    page = call.session.search(SearchRequest(call.place["type"], asked))
    found = list(page.matches)
    while len(found) < 2 and page.next is not None:  # a page may be short and have a next one
        page = call.session.search(SearchRequest(call.place["type"], [*asked, ("_cursor", page.next)]))
        found += page.matches
    if not found:
        raise NotFound("Nothing matches the condition")
    if len(found) > 1:
        raise PreconditionFailed("The condition matches several resources")
    return reply.written(call, apply(call, found[0].id, operations).version, 200)


def apply(call: Call, id_: str, operations: object) -> Written:
    """Patch against the version read; again when another writer came between and no version was asked for."""
    type_, wanted = call.place["type"], if_match(call)

    def change(resource: Resource) -> Resource:
        patched = json_patch.apply(resource, operations)
        if not isinstance(patched, dict):
            raise Invalid("The patch leaves no resource")
        if (patched.get("resourceType"), patched.get("id")) != (type_, id_):
            raise Invalid("A patch cannot change the type or the id")
        check_depth(patched, call.limits)
        return patched

    for _ in range(ATTEMPTS - 1):
        try:
            return call.session.patch(type_, id_, change, if_match=wanted)
        except PreconditionFailed:
            if wanted is not None:
                raise
    return call.session.patch(type_, id_, change, if_match=wanted)


def operations_of(call: Call) -> Any:
    """The operations in the body."""
    kind = (call.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != MEDIA_TYPE:
        raise UnsupportedMediaType("A patch is read as {type} only", type=MEDIA_TYPE)
    json.check_count(call.body)
    try:
        return _decoder.decode(call.body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Invalid("Not valid JSON: {reason}", reason=str(error)) from error
