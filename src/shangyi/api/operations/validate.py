"""$validate (http://hl7.org/fhir/R4/resource-operation-validate.html): what is wrong with a resource, and nothing kept."""

from typing import Any

from shangyi.api import reply
from shangyi.api.call import Call
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.errors import Invalid, Issue, NotSupported
from shangyi.fhir import definitions
from shangyi.query import conformance

MODES = ("create", "update", "delete", "profile")
BASE = "http://hl7.org/fhir/StructureDefinition/"


def invoke(call: Call, given: Input) -> Reply:
    """An OperationOutcome with every problem; 200 even when there are some, since the question was answered."""
    mode = given.get("mode", [None])[0]
    if mode is not None and mode not in MODES:
        raise Invalid("{name} takes {values}", name="mode", values=", ".join(MODES))
    type_ = call.place.get("type")
    id_ = call.place.get("id")
    resource = given.get("resource", [None])[0]
    if mode == "delete":
        if id_ is None:
            raise Invalid("Only one resource can be asked about with mode=delete")
        call.session.read(str(type_), id_)
        return reply.outcome(call, [_all_well("It can be deleted")])
    if mode == "profile" and (id_ is None or resource is not None or "profile" not in given):
        raise Invalid("mode=profile asks about a stored resource and needs a profile")
    if resource is None:
        if id_ is None:
            raise Invalid("$validate needs a resource in its body")
        resource = call.session.read(str(type_), id_).resource
    return reply.outcome(
        call, problems(resource, type_, id_, mode, given) or [_all_well("No problems were found")]
    )


def problems(
    resource: dict[str, Any], type_: str | None, id_: str | None, mode: str | None, given: Input
) -> list[Issue]:
    """All problems: with the address, with the mode, and with the rules of the specification."""
    found = resource.get("resourceType")
    profile = given.get("profile", [None])[0]
    if profile is not None and profile.split("|")[0] != f"{BASE}{found}":
        raise NotSupported("The profile {profile} is not known here", profile=profile)
    issues: list[Issue] = []
    if not definitions.is_resource_type(found):
        text = "{type} is not a resource type of FHIR R4"
        return [Issue("error", "structure", text, {"type": str(found)[:64]})]
    if type_ is not None and found != type_:
        text = "The body is a {found}, the address says {type}"
        issues.append(Issue("error", "invalid", text, {"found": found, "type": type_}, str(found)))
    if mode == "update" and not resource.get("id"):
        issues.append(Issue("error", "required", "An update needs an id", {}, f"{found}.id"))
    if mode == "update" and id_ is not None and resource.get("id") not in (None, id_):
        issues.append(
            Issue("error", "value", "The body needs the id that the address has", {}, f"{found}.id")
        )
    return issues + conformance.advise(resource)


def _all_well(text: str) -> Issue:
    return Issue("information", "informational", text)


OPERATION = Operation(
    name="validate",
    definition="http://hl7.org/fhir/OperationDefinition/Resource-validate",
    handler=invoke,
    levels=frozenset({"type", "instance"}),
    parameters={
        "resource": Parameter("Resource"),
        "mode": Parameter("code"),
        "profile": Parameter("uri"),
    },
)
