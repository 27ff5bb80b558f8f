"""DELETE [base]/[type]/[id] and DELETE [base]/[type]?[search] (http://hl7.org/fhir/R4/http.html#delete)."""

from shangyi.api import reply
from shangyi.api.call import Call
from shangyi.api.interactions.update import if_match
from shangyi.api.reply import Reply
from shangyi.errors import Invalid, Issue


def delete(call: Call) -> Reply:
    """204; the history stays. Deleting what is already deleted changes nothing and is no error."""
    call.session.delete(call.place["type"], call.place["id"], if_match=if_match(call))
    return _done(call)


def conditional_delete(call: Call) -> Reply:
    """The one match is deleted; none: nothing happens; several: 412 (http://hl7.org/fhir/R4/http.html#3.1.0.7.1)."""
    if not call.parameters:
        raise Invalid("A conditional delete needs search parameters in the address")
    call.session.conditional_delete(call.place["type"], call.parameters)
    return _done(call)


def _done(call: Call) -> Reply:
    if call.prefer.get("return") == "OperationOutcome":
        return reply.outcome(call, [Issue("information", "informational", "Deleted; its history remains")])
    return Reply(204, b"", [reply.NO_STORE])
