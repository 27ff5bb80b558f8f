"""ValueSet/$expand (http://hl7.org/fhir/R4/valueset-operation-expand.html): the codes of a value set, or a page of them."""

from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.operations import terminology as asked
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.errors import Invalid
from shangyi.terminology import expansion
from shangyi.terminology.service import Terminology

ECHOED = {
    "filter": "valueString",
    "offset": "valueInteger",
    "count": "valueInteger",
    "activeOnly": "valueBoolean",
    "excludeNested": "valueBoolean",
    "includeDesignations": "valueBoolean",
    "includeDefinition": "valueBoolean",
    "system-version": "valueUri",
    "force-system-version": "valueUri",
    "check-system-version": "valueUri",
    "default-valueset-version": "valueUri",
}
"""What the expansion repeats of the request."""


def invoke(call: Call, given: Input) -> Reply:
    """The value set with its expansion."""

    def work(terminology: Terminology) -> Resource:
        library = asked.library(terminology, given)
        definition = asked.value_set(call, given, library)
        if definition is None:
            raise Invalid("$expand needs a value set: url, valueSet in the body, or ValueSet/<id>/$expand")
        return expansion.expand(library, definition, _request(call, given), _repeated(given))

    return reply.resource(call, call.session.consult("ValueSet", "expand", work))


def _request(call: Call, given: Input) -> expansion.Request:
    count, offset = asked.one(given, "count"), asked.one(given, "offset")
    if int(count or 0) < 0 or int(offset or 0) < 0:
        raise Invalid("count and offset are not below 0")
    header = call.header(b"accept-language")
    return expansion.Request(
        filter=asked.one(given, "filter"),
        offset=int(offset or 0),
        count=None if count is None else int(count),
        active_only=asked.true(given, "activeOnly"),
        include_designations=asked.true(given, "includeDesignations"),
        include_definition=asked.true(given, "includeDefinition"),
        languages=asked.one(given, "displayLanguage") or header,
        properties=tuple(given.get("property", ())),
        supplements=asked.supplements(given),
        versions=asked.asked_versions(given),
    )


def _repeated(given: Input) -> list[Resource]:
    found: list[Resource] = []
    for name, key in ECHOED.items():
        for text in given.get(name, ()):
            value = text == "true" if key == "valueBoolean" else int(text) if key == "valueInteger" else text
            found.append({"name": name, key: value})
    return found


OPERATION = Operation(
    name="expand",
    definition="http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
    documentation=(
        f"Flat, whole up to {expansion.LIMIT} codes, else in pages (count, offset). R5's property, useSupplement, "
        "check-system-version, force-system-version and tx-resource are taken as well."
    ),
    handler=invoke,
    types=frozenset({"ValueSet"}),
    levels=frozenset({"type", "instance"}),
    parameters={
        **asked.VERSIONS,
        "url": Parameter("uri"),
        "valueSet": Parameter("Resource"),
        "valueSetVersion": Parameter("string"),
        "default-valueset-version": Parameter("uri", many=True),
        "check-valueset-version": Parameter("uri", many=True),
        "force-valueset-version": Parameter("uri", many=True),
        "context": Parameter("uri"),
        "filter": Parameter("string"),
        "offset": Parameter("integer"),
        "count": Parameter("integer"),
        "includeDesignations": Parameter("boolean"),
        "includeDefinition": Parameter("boolean"),
        "activeOnly": Parameter("boolean"),
        "excludeNested": Parameter("boolean"),
        "displayLanguage": Parameter("string"),
        "property": Parameter("code", many=True),
    },
    unsupported=frozenset(
        {
            "date",
            "designation",
            "excludeNotForUI",
            "excludePostCoordinated",
            "exclude-system",
            "contextDirection",
        }
    ),
)
