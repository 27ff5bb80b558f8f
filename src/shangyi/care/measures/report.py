"""What was counted as a MeasureReport (http://hl7.org/fhir/R4/measurereport.html)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from shangyi.care.measures.definition import INITIAL, OBSERVATION, Population, Stratifier
from shangyi.care.measures.results import Coded, Number
from shangyi.care.measures.tally import Counts, Stratum, Tally

Resource = dict[str, Any]
INDIVIDUAL, SUBJECT_LIST, SUMMARY = "individual", "subject-list", "summary"
CODES = "http://terminology.hl7.org/CodeSystem/measure-population"
UCUM = "http://unitsofmeasure.org"
SUPPLEMENTAL = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-supplementalData"
AGGREGATE = "http://hl7.org/fhir/us/cqfmeasures/StructureDefinition/cqfm-aggregateMethod"
UNKNOWN = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def report(
    tally: Tally,
    kind: str,
    period: tuple[str, str],
    made: datetime,
    subject: str | None = None,
    evaluated: Sequence[str] = (),
    least: int = 0,
) -> Resource:
    """The MeasureReport; ``kind`` is its type, ``period`` its first and last day, ``evaluated`` the resources used.

    ``least``: of fewer residents or items no stratum and no supplemental value is told, for who may not know persons.
    Faults stand in a contained OperationOutcome: who could not be evaluated is in no population.
    """
    contained: list[Resource] = []
    groups = [_group(counts, tally, at, contained, least) for at, counts in enumerate(tally.groups)]
    extensions = [*_supplemental(tally, kind, contained, least)]
    if tally.faults:
        contained.append(_faults(tally))
    failed = kind == INDIVIDUAL and bool(tally.faults) and not any(c.members for c in tally.groups)
    found: Resource = {
        "resourceType": "MeasureReport",
        "status": "error" if failed else "complete",
        "type": kind,
        "measure": tally.definition.canonical,
        "date": made.isoformat(timespec="seconds"),
        "period": {"start": period[0], "end": period[1]},
        "group": groups,
    }
    improvement = tally.definition.resource.get("improvementNotation")
    if improvement:
        found["improvementNotation"] = improvement
    if subject:
        found["subject"] = {"reference": subject}
    if contained:
        found["contained"] = contained
    if extensions:
        found["extension"] = extensions
    if evaluated:
        found["evaluatedResource"] = [{"reference": reference} for reference in evaluated]
    return found


def _group(counts: Counts, tally: Tally, at: int, contained: list[Resource], least: int) -> Resource:
    group = counts.group
    found: Resource = {}
    if group.id:
        found["id"] = group.id
    if group.code:
        found["code"] = group.code
    found["population"] = _populations(counts, f"group-{at + 1}", contained)
    _scored(found, counts)
    stratifiers = [
        _stratifier(stratifier, _told(strata, least), f"group-{at + 1}-stratifier-{number + 1}", contained)
        for number, (stratifier, strata) in enumerate(zip(group.stratifiers, tally.strata[at], strict=True))
    ]
    if stratifiers:
        found["stratifier"] = stratifiers
    return found


def _told(strata: dict[Stratum, Counts], least: int) -> dict[Stratum, Counts]:
    return {value: counts for value, counts in strata.items() if counts.count(INITIAL) >= least}


def _scored(element: Resource, counts: Counts) -> None:
    score = counts.score()
    if score is not None:
        element["measureScore"] = quantity(score)


def quantity(number: Number) -> Resource:
    """A Quantity."""
    if number.unit is None or number.unit == "1":
        return {"value": number.value}
    return {"value": number.value, "unit": number.unit, "system": UCUM, "code": number.unit}


def _populations(counts: Counts, name: str, contained: list[Resource]) -> list[Resource]:
    found = []
    for population in counts.group.populations:
        element: Resource = {"id": population.id} if population.id else {}
        element["code"] = {"coding": [{"system": CODES, "code": population.code}]}
        if population.code == OBSERVATION:
            _observation(element, counts, population)
        else:
            element["count"] = counts.members[population.key]
        if counts.subjects is not None and population.code != OBSERVATION:
            id = f"{name}-{population.key}"
            contained.append(_list(id, counts.subjects.get(population.key, [])))
            element["subjectResults"] = {"reference": f"#{id}"}
        found.append(element)
    return found


def _observation(element: Resource, counts: Counts, population: Population) -> None:
    """How many were observed, and what they come to together."""
    element["count"] = sum(counts.observed.get(population.key, {}).values())
    total = counts.observation(population)
    if total is not None:
        method = {"url": "method", "valueCode": population.method or "sum"}
        element["extension"] = [
            {"url": AGGREGATE, "extension": [method, {"url": "value", "valueQuantity": quantity(total)}]}
        ]


def _list(id: str, subjects: Sequence[str]) -> Resource:
    entries = [{"item": {"reference": subject}} for subject in subjects]
    found: Resource = {"resourceType": "List", "id": id, "status": "current", "mode": "snapshot"}
    return {**found, "entry": entries} if entries else found


def _stratifier(
    stratifier: Stratifier, strata: dict[Stratum, Counts], name: str, contained: list[Resource]
) -> Resource:
    found: Resource = {"id": stratifier.id} if stratifier.id else {}
    codes = [stratifier.code] if stratifier.code else [c.code for c in stratifier.components if c.code]
    found["code"] = codes or [{"text": ", ".join(c.expression for c in stratifier.components)}]
    ordered = sorted(strata.items(), key=lambda pair: [coded.text for coded in pair[0]])
    found["stratum"] = [
        _stratum(stratifier, value, counts, f"{name}-{number + 1}", contained)
        for number, (value, counts) in enumerate(ordered)
    ]
    if not found["stratum"]:
        del found["stratum"]
    return found


def _stratum(
    stratifier: Stratifier, value: Stratum, counts: Counts, name: str, contained: list[Resource]
) -> Resource:
    found: Resource = {}
    if len(value) == 1:
        found["value"] = concept(value[0])
    else:
        found["component"] = [
            {"code": component.code or {"text": component.expression}, "value": concept(coded)}
            for component, coded in zip(stratifier.components, value, strict=True)
        ]
    found["population"] = _populations(counts, name, contained)
    _scored(found, counts)
    return found


def concept(coded: Coded) -> Resource:
    """A CodeableConcept; an empty text is a value that is not known."""
    if not coded.text and not coded.codes:
        return {"coding": [{"system": UNKNOWN, "code": "unknown"}]}
    codings = [
        {key: part for key, part in zip(("system", "code", "display"), code, strict=True) if part}
        for code in coded.codes
    ]
    return {"coding": codings, "text": coded.text} if codings else {"text": coded.text}


def _supplemental(tally: Tally, kind: str, contained: list[Resource], least: int) -> Iterator[Resource]:
    """Each value as a contained Observation: of one subject the value itself, of many how often it occurs."""
    for element in tally.definition.supplemental:
        values = sorted(tally.supplemental[element.key].items(), key=lambda pair: pair[0].text)
        for number, (coded, times) in enumerate(pair for pair in values if pair[1] >= least):
            id = f"{element.key}-{number + 1}"
            what = element.code or {"text": element.expression}
            observation: Resource = {"resourceType": "Observation", "id": id, "status": "final"}
            if kind == INDIVIDUAL:
                observation |= {"code": what, "valueCodeableConcept": concept(coded)}
            else:
                observation |= {
                    "code": what,
                    "valueInteger": times,
                    "component": [{"code": what, "valueCodeableConcept": concept(coded)}],
                }
            contained.append(observation)
            yield {"url": SUPPLEMENTAL, "valueReference": {"reference": f"#{id}"}}


def _faults(tally: Tally) -> Resource:
    issues = [
        {
            "severity": "error",
            "code": "processing",
            "diagnostics": text if times == 1 else f"{text} (×{times})",
        }
        for text, times in tally.faults.most_common(20)
    ]
    return {"resourceType": "OperationOutcome", "id": "faults", "issue": issues}
