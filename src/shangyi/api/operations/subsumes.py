"""CodeSystem/$subsumes (http://hl7.org/fhir/R4/codesystem-operation-subsumes.html): how two codes stand to each other."""

from shangyi.api import reply
from shangyi.api.call import Call
from shangyi.api.operations import terminology as asked
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.errors import Invalid
from shangyi.terminology.validation import of_fhir


def invoke(call: Call, given: Input) -> Reply:
    """The outcome: equivalent, subsumes, subsumed-by, not-subsumed."""
    codings = [of_fhir(given[name][0]) if name in given else None for name in ("codingA", "codingB")]
    systems = {c.system for c in codings if c is not None}
    url = asked.one(given, "system") or (systems.pop() if len(systems) == 1 else None)
    if call.place.get("id"):
        url = call.session.read("CodeSystem", call.place["id"]).resource.get("url")
    if url is None or systems - {url}:
        raise Invalid("$subsumes needs one system for both codes")
    a, b = (
        coding.code if coding is not None else asked.one(given, name)
        for coding, name in zip(codings, ("codeA", "codeB"), strict=True)
    )
    if a is None or b is None:
        raise Invalid("$subsumes needs two codes: codeA and codeB, or codingA and codingB")
    version = asked.one(given, "version")
    outcome = call.session.consult("CodeSystem", "subsumes", lambda t: t.subsumes(url, a, b, version))
    return reply.resource(call, asked.parameters([("outcome", "valueCode", outcome)]))


OPERATION = Operation(
    name="subsumes",
    definition="http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes",
    handler=invoke,
    types=frozenset({"CodeSystem"}),
    levels=frozenset({"type", "instance"}),
    parameters={
        "codeA": Parameter("code"),
        "codeB": Parameter("code"),
        "system": Parameter("uri"),
        "version": Parameter("string"),
        "codingA": Parameter("Coding"),
        "codingB": Parameter("Coding"),
    },
)
