"""Measure/$evaluate-measure (http://hl7.org/fhir/R4/measure-operation-evaluate-measure.html).

One resident's report is read through their record. Of many, figures come by the right to aggregate, and who is in them
by the right to search residents; both within the caller's area.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shangyi.access import Session
from shangyi.access.whole_record import whole_record
from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.operations.subject import subject_of
from shangyi.api.reply import Reply
from shangyi.care.measures import (
    INDIVIDUAL,
    SUBJECT_LIST,
    SUMMARY,
    Bedside,
    Period,
    Tally,
    report,
    tally,
)
from shangyi.care.measures.content import Content
from shangyi.care.measures.prepare import prepared
from shangyi.care.measures.running import of_scope
from shangyi.care.standing.facts import ZONE
from shangyi.errors import Invalid
from shangyi.store.model import Scope, Version
from shangyi.store.repository import Repository

LEAST = 5
"""Of fewer residents no stratum is told to who may not search residents."""
KINDS = {"subject": INDIVIDUAL, "subject-list": SUBJECT_LIST, "population": SUMMARY}
KINDS |= {"individual": INDIVIDUAL, "summary": SUMMARY}


def invoke(call: Call, given: Input) -> Reply:
    """The MeasureReport."""
    period = period_of(given)
    kind = _kind(given)
    content = Content(call.session)
    if call.place.get("id"):
        resource = call.session.read("Measure", call.place["id"]).resource
    elif "measure" in given:
        resource = content.measure(given["measure"][0])
    else:
        raise Invalid("Name the measure: measure, or Measure/<id>/$evaluate-measure")
    measure, key = prepared(call.session, content, resource, period, "evaluate-measure")
    made = datetime.now(ZONE)
    if kind == INDIVIDUAL:
        if "subject" not in given:
            raise Invalid("Name the subject")
        subject = subject_of(given["subject"][0], call.base)
        resources = whole_record(call.session, subject)
        found = measure.result(f"Patient/{subject}", resources)
        counted = tally(measure.definition, [found])
        return reply.resource(call, report(counted, kind, period.days, made, f"Patient/{subject}"))
    if "subject" in given:
        raise Invalid("A subject goes with the report type subject")
    many = _listed if kind == SUBJECT_LIST else _figures
    return reply.resource(call, many(call.session, measure, key, period, made))


def _figures(session: Session, measure: Bedside, key: str, period: Period, made: datetime) -> Resource:
    def compute(records: Repository, scope: Scope) -> Resource:
        counted = Tally(measure.definition)
        for kept in of_scope(records, scope, measure, key):
            counted.add(kept.result)
        least = 0 if session.may("search", "Patient") else LEAST
        return report(counted, SUMMARY, period.days, made, least=least)

    return session.aggregate(f"{measure.definition.canonical}/$evaluate-measure", compute)


@dataclass(frozen=True)
class _Listed:
    """The report, with the residents that it names, as the audit wants them."""

    versions: Sequence[Version]
    report: Resource


def _listed(session: Session, measure: Bedside, key: str, period: Period, made: datetime) -> Resource:
    def find(records: Repository, scope: Scope) -> _Listed:
        counted = Tally(measure.definition, lists=True)
        for kept in of_scope(records, scope, measure, key):
            counted.add(kept.result)
        names = {
            name for counts in counted.groups for found in (counts.subjects or {}).values() for name in found
        }
        return _Listed(
            list(_versions(records, sorted(names))), report(counted, SUBJECT_LIST, period.days, made)
        )

    return session.select(f"{measure.definition.canonical}/$evaluate-measure", find).report


def _versions(records: Repository, references: Iterable[str]) -> Iterable[Version]:
    return (records.read("Patient", reference.partition("/")[2]) for reference in references)


def period_of(given: Input) -> Period:
    """``periodStart`` and ``periodEnd``."""
    if "periodStart" not in given or "periodEnd" not in given:
        raise Invalid("Give periodStart and periodEnd")
    return Period.parse(given["periodStart"][0], given["periodEnd"][0])


def _kind(given: Input) -> str:
    asked = given.get("reportType", ["subject" if "subject" in given else "population"])[0]
    if asked not in KINDS:
        raise Invalid(
            "The report type is one of {known}, not {kind}", known=", ".join(KINDS), kind=asked[:40]
        )
    return KINDS[asked]


OPERATION = Operation(
    name="evaluate-measure",
    definition="http://hl7.org/fhir/OperationDefinition/Measure-evaluate-measure",
    documentation="reportType subject, subject-list or population (the default without a subject), within the area.",
    handler=invoke,
    types=frozenset({"Measure"}),
    levels=frozenset({"type", "instance"}),
    parameters={
        "measure": Parameter("string"),
        "periodStart": Parameter("date"),
        "periodEnd": Parameter("date"),
        "reportType": Parameter("code"),
        "subject": Parameter("Reference"),
    },
    unsupported=frozenset({"practitioner", "lastReceivedOn"}),
)
