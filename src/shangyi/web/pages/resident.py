"""One resident: who, what to do now and why, the course, the evidence; each fact with the FHIR behind it."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from starlette.responses import RedirectResponse, Response

from shangyi.access import masking
from shangyi.care.standing import facts
from shangyi.care.standing.evaluate import State, evaluate
from shangyi.care.standing.people import Due
from shangyi.errors import NotFound
from shangyi.store.merging import replaced_by
from shangyi.store.model import Version
from shangyi.web import csv, formats
from shangyi.web.context import Context
from shangyi.web.correction.void import is_void
from shangyi.web.due import Reason, reasons
from shangyi.web.resident import lists, measurements, timeline
from shangyi.web.resident.observations import points
from shangyi.web.resident.reading import of_type, person_name
from shangyi.web.residents import SEXES, place

Resource = dict[str, Any]
MOST = 5000
"""Resources of one resident that the page reads; a record beyond is read through the timeline's filters."""
SUMMARY_VISITS, SUMMARY_VALUES = 6, 14


class Record:
    """Everything of one resident that the page is made of, read once."""

    def __init__(self, context: Context, id: str) -> None:
        self.context, self.id = context, id
        self.today = dt.datetime.now(formats.ZONE).date()
        found = context.session.everything("Patient", id, count=MOST)
        versions: list[Version] = [v for v in found.matches if not is_void(v.resource)]
        self.resources: list[Resource] = [v.resource for v in versions]
        patient = next((r for r in self.resources if r["resourceType"] == "Patient" and r["id"] == id), None)
        if patient is None:
            raise NotFound("There is no such resident")
        self.patient = patient
        self.facts = facts.read((v.type, v.id, v.body) for v in versions)
        self.series = points(of_type(self.resources, "Observation"))

    @property
    def born(self) -> dt.date | None:
        """Day of birth."""
        return self.facts.born

    def age(self) -> str:
        """Age today, or at death."""
        born, died = self.patient.get("birthDate"), self.facts.died
        if died is None:
            return formats.age(born, self.context.language)
        return self.context.text("died at {age}", age=formats.age(born, self.context.language, died))

    def holding(self) -> list[State]:
        """The states that hold today, the most urgent first."""
        states = [s for s in evaluate(self.facts, self.today) if s.begins <= self.today < s.ends]
        return sorted(states, key=lambda s: (s.grade or 9, s.begins))

    def reasons(self, states: Sequence[State]) -> list[Reason]:
        """What asks for something, in words; nothing for those who have died."""
        if not self.facts.counts:
            return []
        due = [Due(s.state, s.grade, s.begins, s.facts) for s in states if s.grade]
        return reasons(due, self.today, self.context.text, self.context.language)

    def banner(self) -> dict[str, Any]:
        """Who it is, for the page and for the summary."""
        text, language, patient = self.context.text, self.context.language, self.patient
        return {
            "patient": patient,
            "name": person_name(patient) or text("Name unknown"),
            "sex": text(SEXES[patient.get("gender", "unknown")]),
            "age": self.age(),
            "place": place(patient),
            "deceased": bool(patient.get("deceasedDateTime") or patient.get("deceasedBoolean")),
            "doctor": next((gp.get("display", "") for gp in patient.get("generalPractitioner", ())), ""),
            "alerts": lists.alerts(self.resources, text, language),
            "cover": lists.cover(self.resources, text, language),
            "numbers": [
                (field, text(label), masked)
                for field, label in NUMBERS
                if (masked := masking.masked(patient, field))
            ],
        }


NUMBERS = (("resident-id", "Resident id"), ("phone", "Phone"), ("insurance-number", "Insurance number"))


def resident(context: Context) -> Response:
    """GET /residents/{id}."""
    record = Record(context, context.request.path_params["id"])
    if survivor := replaced_by(record.patient):
        return RedirectResponse(f"/residents/{survivor}?from={record.id}", status_code=303)
    text, language, resources = context.text, context.language, record.resources
    kind = context.field("kind") if context.field("kind") in timeline.KINDS else ""
    states = record.holding()
    names = {state.state for state in states}
    window = measurements.window_of(context.field("window"), record.series, record.today)
    orders = of_type(resources, "MedicationRequest")
    chart = measurements.pressure(record.series, orders, record.born, window, record.today, text, language)
    problems, over = lists.problems(resources, text, language)
    in_use, ended = lists.medicines(resources, text, language)
    groups = context.resources("Group", ("member", f"Patient/{record.id}"), ("_count", "10"))
    return context.page(
        "pages/resident.html",
        "residents",
        **record.banner(),
        due=record.reasons(states),
        household=lists.household(groups, record.id, language),
        pressure=chart,
        readings=len(record.series.get(measurements.definition()["pressure"]["codes"][0], [])),
        pressures=timeline.of_latest(resources, language, 1),
        window=window,
        windows=[("3m", text("3 months")), ("1y", text("1 year")), ("10y", text("10 years"))],
        trends=measurements.trends(
            record.series, names, record.id, record.born, record.today, text, language
        ),
        problems=problems,
        over=over,
        in_use=in_use,
        ended=ended,
        immunisations=lists.immunisations(resources, text, language),
        events=timeline.page(resources, kind, context.field("before"), text, language),
        earlier=bool(context.field("before")),
        kind=kind,
        kinds=[(name, text(title)) for name, title in timeline.KINDS.items()],
        can_write=context.session.may("create", "Encounter") and record.facts.died is None,
        can_merge=context.session.may_use("merge"),
        merged=any(link.get("type") == "replaces" for link in record.patient.get("link", ())),
        notice="merged" if context.field("merged") else "from" if context.field("from") else "",
    )


def values(context: Context) -> Response:
    """GET /residents/{id}/measurements?code=…: one value over time, its table, and the same as CSV."""
    record = Record(context, context.request.path_params["id"])
    code = context.field("code")
    series = record.series.get(code)
    if not series:
        raise NotFound("There is no such measurement")
    chart = measurements.chart(code, series, record.id, context.language)
    if context.request.url.path.endswith(".csv"):
        return csv.answer(sheet(context, record, code))
    return context.page(
        "pages/measurements.html",
        "residents",
        chart=chart,
        reference=measurements.reference(series[-1], context.text),
        **record.banner(),
    )


def sheet(context: Context, record: Record, code: str) -> csv.Sheet:
    """The table of a measurement; of blood pressure both values."""
    pair = measurements.definition()["pressure"]["codes"]
    shown = pair if code in pair else [code]
    columns = [context.text("Time")]
    by_time: dict[str, list[Any]] = {}
    for column, name in enumerate(shown):
        series = record.series.get(name, [])
        if series:
            columns.append(f"{measurements.name_of(series[-1], name, context.language)} ({series[-1].unit})")
        for point in series:
            by_time.setdefault(point.date, [None] * len(shown))[column] = point.value
    rows = [[time, *found] for time, found in sorted(by_time.items(), reverse=True)]
    return csv.Sheet(f"measurements-{code}", columns, rows)


def summary(context: Context) -> Response:
    """GET /residents/{id}/summary: one page to print; numbers stay masked."""
    record = Record(context, context.request.path_params["id"])
    text, language, resources = context.text, context.language, record.resources
    states = record.holding()
    problems, _ = lists.problems(resources, text, language)
    in_use, _ = lists.medicines(resources, text, language)
    latest = measurements.trends(
        record.series, {s.state for s in states}, record.id, record.born, record.today, text, language
    )
    pressures = timeline.of_latest(resources, language)
    return context.page(
        "pages/summary.html",
        "residents",
        **record.banner(),
        due=record.reasons(states),
        problems=problems,
        in_use=in_use,
        immunisations=lists.immunisations(resources, text, language),
        values=latest[:SUMMARY_VALUES],
        pressures=pressures,
        visits=timeline.page(resources, "visit", "", text, language).events[:SUMMARY_VISITS],
        author=context.principal.display,
        now=formats.instant(dt.datetime.now(formats.ZONE)),
    )


def reveal(context: Context) -> Response:
    """POST /residents/{id}/reveal: a number in full; the access leaves its own audit event."""
    id, field = context.request.path_params["id"], context.field("field")
    return context.part("parts/revealed.html", value=context.session.reveal(f"Patient/{id}", field), id=id)
