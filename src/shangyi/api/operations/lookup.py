"""CodeSystem/$lookup (http://hl7.org/fhir/R4/codesystem-operation-lookup.html): what a code means."""

from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.operations import terminology as asked
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.errors import Invalid, NotFound
from shangyi.terminology import languages
from shangyi.terminology.composition import Member
from shangyi.terminology.concepts import Property
from shangyi.terminology.service import Terminology


def invoke(call: Call, given: Input) -> Reply:
    """Name, version, display, designations and properties."""
    coding = asked.coding(given)
    if coding is None or coding.system is None:
        raise Invalid("$lookup needs a code and its system, or a coding")
    url, code = coding.system, coding.code

    def work(terminology: Terminology) -> Resource:
        known = (
            Terminology(asked.library(terminology, given).source) if "tx-resource" in given else terminology
        )
        known.library.require_supplements(asked.supplements(given))
        system = known.code_system(
            url, asked.asked_versions(given).wanted(url, coding.version), asked.supplements(given)
        )
        concept = system.find(code)
        if concept is None:
            raise NotFound("{system} has no code {code}", system=url, code=code)
        member = Member(system.url, system.version, concept.code, concept, system)
        wanted = languages.ranges(asked.one(given, "displayLanguage") or call.header(b"accept-language"))
        answer = asked.parameters(
            [
                ("name", "valueString", system.resource.get("title") or system.resource.get("name") or url),
                ("code", "valueCode", concept.code),
                ("system", "valueUri", system.url),
                ("version", "valueString", system.version),
                ("display", "valueString", languages.display(member, wanted) or concept.code),
                ("definition", "valueString", concept.definition),
                ("abstract", "valueBoolean", system.abstract(concept)),
            ]
        )
        shown = set(given.get("property", ()))
        answer["parameter"] += [
            asked.part(
                "designation",
                [
                    ("language", "valueCode", d.language),
                    ("use", "valueCoding", d.use),
                    ("value", "valueString", d.value),
                ],
            )
            for d in concept.designations
            if not shown or "designation" in shown
        ]
        answer["parameter"] += [
            _property(p)
            for p in (*concept.properties, *system.shown(concept))
            if not shown or p.code in shown or "*" in shown
        ]
        return answer

    return reply.resource(call, call.session.consult("CodeSystem", "lookup", work))


def _property(found: Property) -> Resource:
    return asked.part("property", [("code", "valueCode", found.code), ("value", found.kind, found.value)])


OPERATION = Operation(
    name="lookup",
    definition="http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup",
    handler=invoke,
    types=frozenset({"CodeSystem"}),
    levels=frozenset({"type"}),
    parameters={
        **asked.VERSIONS,
        "code": Parameter("code"),
        "system": Parameter("uri"),
        "version": Parameter("string"),
        "coding": Parameter("Coding"),
        "displayLanguage": Parameter("string"),
        "property": Parameter("code", many=True),
    },
    unsupported=frozenset({"date"}),
)
