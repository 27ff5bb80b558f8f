"""Measure/$care-gaps (http://hl7.org/fhir/us/davinci-deqm/OperationDefinition/care-gaps): what one resident's measures ask for."""

from datetime import datetime

from shangyi.access.whole_record import whole_record
from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.operations.evaluate_measure import period_of
from shangyi.api.operations.subject import subject_of
from shangyi.api.reply import Reply
from shangyi.care.measures.content import Content
from shangyi.care.measures.definition import SCORINGS
from shangyi.care.measures.gaps import CLOSED, NONE, OPEN, bundle, gaps
from shangyi.care.measures.prepare import prepared
from shangyi.care.standing.facts import ZONE
from shangyi.errors import Invalid

STATUSES = (OPEN, CLOSED, NONE)
NAMES = ("measureUrl", "measureId", "measure")


def invoke(call: Call, given: Input) -> Reply:
    """Parameters with a document of the gaps whose status is asked for."""
    period, content = period_of(given), Content(call.session)
    wanted = given.get("status", [])
    if not wanted or not set(wanted) <= set(STATUSES):
        raise Invalid("status is one or several of {known}", known=", ".join(STATUSES))
    if "subject" not in given:
        raise Invalid("Name the subject")
    subject = subject_of(given["subject"][0], call.base)
    resources = whole_record(call.session, subject)
    measured = []
    for resource in _measures(content, given):
        measure, _ = prepared(call.session, content, resource, period, "care-gaps")
        found = measure.result(f"Patient/{subject}", resources)
        gap = gaps(measure.definition, found)
        if gap in wanted:
            measured.append((measure.definition, found, gap))
    document = bundle(f"Patient/{subject}", measured, period.days, datetime.now(ZONE))
    answer: Resource = {"resourceType": "Parameters"}
    if measured:
        answer["parameter"] = [{"name": "return", "resource": document}]
    return reply.resource(call, answer)


def _measures(content: Content, given: Input) -> list[Resource]:
    """Those asked for, else every active proportion."""
    named = [name for key in NAMES for name in given.get(key, ())]
    if named:
        return [content.measure(name) for name in named]
    return [m for m in content.measures() if m.get("status") == "active" and _scores(m) & {"proportion"}]


def _scores(measure: Resource) -> set[str]:
    concepts = [measure.get("scoring") or {}]
    concepts += [
        extension.get("valueCodeableConcept") or {}
        for group in measure.get("group") or ()
        for extension in group.get("extension") or ()
    ]
    return {coding.get("code") for concept in concepts for coding in concept.get("coding") or ()} & set(
        SCORINGS
    )


OPERATION = Operation(
    name="care-gaps",
    definition="http://hl7.org/fhir/us/davinci-deqm/OperationDefinition/care-gaps",
    documentation="For one subject. Without a measure: of every active proportion that is known here.",
    handler=invoke,
    types=frozenset({"Measure"}),
    levels=frozenset({"type"}),
    parameters={
        "periodStart": Parameter("date"),
        "periodEnd": Parameter("date"),
        "subject": Parameter("Reference"),
        "status": Parameter("code", many=True),
        **{name: Parameter("string", many=True) for name in NAMES},
    },
    unsupported=frozenset({"topic", "practitioner", "organization", "program", "measureIdentifier"}),
)
