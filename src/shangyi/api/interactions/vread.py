"""GET [base]/[type]/[id]/_history/[vid] (http://hl7.org/fhir/R4/http.html#vread)."""

from shangyi.api import reply
from shangyi.api.call import Call
from shangyi.api.interactions.read import unchanged
from shangyi.api.reply import Reply
from shangyi.api.subset import Subset
from shangyi.errors import Gone, NotFound


def vread(call: Call) -> Reply:
    """One version; 410 where that version is a deletion."""
    number = call.place["version"]
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise NotFound("{reference} has no version {version}", reference=_reference(call), version=number)
    found = call.session.vread(call.place["type"], call.place["id"], int(number))
    if not found.body:
        raise Gone(
            "Version {version} of {reference} is its deletion", version=number, reference=_reference(call)
        )
    if unchanged(call, found):
        return Reply(304, b"", [reply.NO_STORE, *reply.version_headers(found)])
    if call.query_string and (subset := Subset.asked(call)):
        return reply.resource(call, subset.apply(found.resource), 200, reply.version_headers(found))
    return reply.version(call, found)


def _reference(call: Call) -> str:
    return f"{call.place['type']}/{call.place['id']}"
