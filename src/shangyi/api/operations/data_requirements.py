"""Measure/$data-requirements and Library/$data-requirements: what data an evaluation reads.

http://hl7.org/fhir/R4/measure-operation-data-requirements.html, http://hl7.org/fhir/R4/library-operation-data-requirements.html
"""

from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.care.measures import read
from shangyi.care.measures.content import Content
from shangyi.care.measures.requirements import requirements
from shangyi.errors import Invalid
from shangyi.terminology.service import Terminology


def invoke(call: Call, given: Input) -> Reply:
    """A Library of the type module-definition."""
    type_, content = call.place["type"], Content(call.session)
    if type_ == "Library":
        program = content.typed(call.session.read("Library", call.place["id"]).resource)
    elif call.place.get("id"):
        program = content.program(read(call.session.read("Measure", call.place["id"]).resource).library)
    elif "measure" in given:
        program = content.program(read(content.measure(given["measure"][0])).library)
    else:
        raise Invalid("Name the measure: measure, or Measure/<id>/$data-requirements")
    ends = [given[name][0] for name in ("periodStart", "periodEnd") if name in given]
    period = (ends[0], ends[1]) if len(ends) == 2 else None

    def work(_: Terminology) -> Resource:
        return requirements(program, period)

    return reply.resource(call, call.session.consult(type_, "data-requirements", work))


OF_MEASURE = Operation(
    name="data-requirements",
    definition="http://hl7.org/fhir/OperationDefinition/Measure-data-requirements",
    handler=invoke,
    types=frozenset({"Measure"}),
    levels=frozenset({"type", "instance"}),
    parameters={
        "measure": Parameter("string"),
        "periodStart": Parameter("date"),
        "periodEnd": Parameter("date"),
    },
)
OF_LIBRARY = Operation(
    name="data-requirements",
    definition="http://hl7.org/fhir/OperationDefinition/Library-data-requirements",
    handler=invoke,
    types=frozenset({"Library"}),
    levels=frozenset({"instance"}),
    unsupported=frozenset({"target"}),
)
OPERATIONS = (OF_MEASURE, OF_LIBRARY)
