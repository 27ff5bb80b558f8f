"""ConceptMap/$translate (http://hl7.org/fhir/R4/conceptmap-operation-translate.html): a code in another system."""

from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.operations import terminology as asked
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.errors import Invalid
from shangyi.terminology import translation, versions
from shangyi.terminology.concepts import Coding
from shangyi.terminology.definitions import Definition
from shangyi.terminology.service import Terminology
from shangyi.terminology.translation import Match
from shangyi.terminology.validation import of_fhir


def invoke(call: Call, given: Input) -> Reply:
    """Every match; ``result`` is whether one of them says something of the code."""
    codings = _codings(given)
    stored = call.session.read("ConceptMap", call.place["id"]) if call.place.get("id") else None

    def work(terminology: Terminology) -> Resource:
        if stored is not None:
            definition = Definition(stored.reference, stored.resource)
        elif "conceptMap" in given:
            definition = Definition("body", given["conceptMap"][0])
        elif "url" in given:
            url, version = versions.canonical(given["url"][0])
            version = version or asked.one(given, "conceptMapVersion")
            definition = asked.library(terminology, given).concept_map(url, version)
        else:
            raise Invalid("$translate needs a concept map: url, conceptMap in the body, or ConceptMap/<id>")
        target, reverse = asked.one(given, "targetsystem"), asked.true(given, "reverse")
        matches = [
            match
            for coding in codings
            for match in translation.translate(definition, coding, target, reverse)
        ]
        return _answer(matches, definition)

    return reply.resource(call, call.session.consult("ConceptMap", "translate", work))


def _codings(given: Input) -> list[Coding]:
    concept, coding = asked.one(given, "codeableConcept"), asked.coding(given)
    if (concept is None) == (coding is None):
        raise Invalid("Give one code: code and system, coding, or codeableConcept")
    if coding is not None:
        return [coding]
    return [of_fhir(element) for element in concept.get("coding", ())]


def _answer(matches: list[Match], definition: Definition) -> Resource:
    answer = asked.parameters([("result", "valueBoolean", any(match.holds for match in matches))])
    for match in matches:
        concept = {
            "system": match.coding.system,
            "version": match.coding.version,
            "code": match.coding.code or None,
            "display": match.coding.display,
        }
        parts = [
            ("equivalence", "valueCode", match.equivalence),
            ("concept", "valueCoding", {k: v for k, v in concept.items() if v is not None}),
            ("source", "valueUri", definition.resource.get("url")),
        ]
        answer["parameter"].append(asked.part("match", parts))
    return answer


OPERATION = Operation(
    name="translate",
    definition="http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
    handler=invoke,
    types=frozenset({"ConceptMap"}),
    levels=frozenset({"type", "instance"}),
    parameters={
        "url": Parameter("uri"),
        "conceptMap": Parameter("Resource"),
        "conceptMapVersion": Parameter("string"),
        "code": Parameter("code"),
        "system": Parameter("uri"),
        "version": Parameter("string"),
        "coding": Parameter("Coding"),
        "codeableConcept": Parameter("CodeableConcept"),
        "targetsystem": Parameter("uri"),
        "reverse": Parameter("boolean"),
        "tx-resource": Parameter("Resource", many=True),
    },
    unsupported=frozenset({"source", "target", "dependency"}),
)
