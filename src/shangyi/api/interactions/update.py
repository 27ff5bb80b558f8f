"""PUT [base]/[type]/[id] and PUT [base]/[type]?[search] (http://hl7.org/fhir/R4/http.html#update)."""

from shangyi.api import headers, reply
from shangyi.api.call import Call
from shangyi.api.interactions.create import check_type
from shangyi.api.reply import Reply
from shangyi.errors import Invalid


def update(call: Call) -> Reply:
    """200 with the new version, or 201 where the id is new (update as create)."""
    resource = call.resource()
    check_type(call, resource["resourceType"])
    if resource.get("id") != call.place["id"]:
        raise Invalid(
            "The body needs the id that the address has", expression=f"{resource['resourceType']}.id"
        )
    written = call.session.update(resource, if_match=if_match(call))
    return reply.written(call, written.version, 201 if written.created else 200)


def conditional_update(call: Call) -> Reply:
    """The one match is updated; none: created; several: 412 (http://hl7.org/fhir/R4/http.html#cond-update)."""
    resource = call.resource()
    check_type(call, resource["resourceType"])
    if not call.parameters:
        raise Invalid("A conditional update needs search parameters in the address")
    written = call.session.conditional_update(resource, call.parameters, if_match=if_match(call))
    return reply.written(call, written.version, 201 if written.created else 200)


def if_match(call: Call) -> int | None:
    """The version in ``If-Match``, None where there is no such header."""
    text = call.header(b"if-match")
    return headers.entity_tag(text) if text is not None else None
