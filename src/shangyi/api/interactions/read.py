"""GET [base]/[type]/[id] (http://hl7.org/fhir/R4/http.html#read), with conditional read."""

from shangyi.api import headers, reply
from shangyi.api.call import Call
from shangyi.api.reply import Reply
from shangyi.api.subset import Subset
from shangyi.store.model import Version
from shangyi.store.questions import Steps


def read(call: Call) -> Reply:
    """The current version; 304 where the client has it, 410 where it was deleted."""
    return call.session.answer(reading(call))


def reading(call: Call) -> Steps[Reply]:
    """``read`` in steps."""
    found = yield from call.session.reading(call.place["type"], call.place["id"])
    if unchanged(call, found):
        return Reply(304, b"", [reply.NO_STORE, *reply.version_headers(found)])
    if call.query_string and (subset := Subset.asked(call)):
        return reply.resource(call, subset.apply(found.resource), 200, reply.version_headers(found))
    return reply.version(call, found)


def unchanged(call: Call, found: Version) -> bool:
    """Whether the client's copy is current (http://hl7.org/fhir/R4/http.html#cread)."""
    tags = call.header(b"if-none-match")
    if tags is not None:
        return headers.matches_any(tags, found.etag)
    since = call.header(b"if-modified-since")
    return since is not None and headers.not_modified_since(since, found.updated)
