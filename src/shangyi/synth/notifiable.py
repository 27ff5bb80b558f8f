"""Reports of notifiable diseases of people without a full record: season, ages, delays, outbreaks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from shangyi.synth import build, chance, incidence
from shangyi.synth.build import ICD10, Resource, coding, concept, extension, identifier, instant, iso
from shangyi.synth.calendar import holiday, seen_on
from shangyi.synth.chart import CLINICAL, VERIFIED
from shangyi.synth.county import Village, county
from shangyi.synth.institutions import Institution, health_centre_of, institutions
from shangyi.synth.outbreaks import Outbreak, during, outbreaks
from shangyi.synth.tables import table

DAY = 24 * 60
YEAR_DAYS = 365.2425


@dataclass
class Case:
    """One report card. Times are minutes since day 0; ``outbreak`` is the hidden truth."""

    disease: str
    onset: int
    village: Village
    sex: str
    birth: int
    unit: Institution
    school: Institution | None
    diagnosed: int
    reported: int
    reviewed: int
    corrected: int | None
    status: str
    pathogen: str | None
    outbreak: str | None


def _person(random: Random, data: Any, onset: int) -> tuple[str, int]:
    bands = [*table("notifiable")["bands"], 95]
    band = chance.pick(random, range(len(bands) - 1), data["ages"])
    age = random.uniform(bands[band], bands[band + 1])
    sex = "male" if random.random() < data["male"] else "female"
    return sex, onset - int(age * YEAR_DAYS) - 1


def _school(random: Random, village: Village, age: float) -> Institution | None:
    for kind in ("kindergarten", "primary", "middle"):
        place = institutions()[f"{kind}-{village.town[6:9]}"]
        assert place.pupils is not None
        low, high, share = place.pupils
        if low <= age < high + 1:
            return place if random.random() < share else None
    return None


def _working(random: Random, minute: int) -> int:
    """The next minute at or after ``minute`` in which an office is at work."""
    while True:
        day, within = divmod(minute, DAY)
        if date.fromordinal(day).weekday() < 5 and not holiday(day) and within < 17 * 60:
            return max(minute, day * DAY + 8 * 60 + random.randrange(30))
        minute = (day + 1) * DAY + 8 * 60 + random.randrange(60)


def _case(random: Random, disease: str, onset: int, outbreak: Outbreak | None, villages: Any) -> Case:
    tables = table("notifiable")
    data = tables["diseases"][disease]
    places, weights = villages
    if outbreak is None or outbreak.course in ("season", "backlog"):
        village = chance.pick(random, places, weights)
    else:
        village = chance.pick(random, outbreak.villages)
    sex, birth = _person(random, data, onset)
    pupils = outbreak.place.pupils if outbreak and outbreak.place else None
    if outbreak and outbreak.place and pupils:
        birth = onset - int(random.uniform(pupils[0], pupils[1] + 1) * YEAR_DAYS) - 1
        school: Institution | None = outbreak.place
    else:
        school = _school(random, village, (onset - birth) / YEAR_DAYS)
    wait = min(random.lognormvariate(math.log(data["to_diagnosis_days"]) - 0.2, 0.65), 200)
    kind = "emergency" if data["to_diagnosis_days"] < 3 and random.random() < 0.4 else "hospital"
    day = seen_on(random, onset + int(wait), kind, onset + 400)
    diagnosed = day * DAY + random.randrange(8 * 60, 17 * 60 + 30)
    hours = tables["within_hours"]
    reported = diagnosed + 10 + int(random.expovariate(1 / hours["mean"]) * 60)
    if random.random() < hours["late_share"]:
        reported += int(random.expovariate(1 / hours["late_days"]) * DAY)
    reviewed = _working(
        random, reported + 20 + int(random.expovariate(1 / tables["review_hours"]["mean"]) * 60)
    )
    corrected = None
    if random.random() < data["corrected"]:
        late = random.expovariate(1 / tables["correction_days"]["mean"])
        corrected = _working(random, reviewed + 60 + int(late * DAY))
    tested = random.random() < data["confirmed"] or (outbreak is not None and random.random() < 0.4)
    pathogen = (
        chance.pick(random, list(data["pathogens"]), list(data["pathogens"].values())) if tested else None
    )
    if outbreak and outbreak.pathogen and tested:
        pathogen = outbreak.pathogen
    level = chance.pick(random, list(tables["levels"]), list(tables["levels"].values()))
    unit = health_centre_of(village.town) if level == "township" else institutions()[level]
    status = "confirmed" if tested else "clinical"
    name = outbreak.id if outbreak else None
    return Case(
        disease, onset, village, sex, birth, unit, school, diagnosed, reported, reviewed, corrected, status, pathogen, name
    )  # fmt: skip


def cases(seed: int, first: int, last: int, year: int) -> list[Case]:
    """The cards of one calendar year of onset that were reported by the last day, in the order of reporting."""
    start = max(first, date(year, 1, 1).toordinal())
    end = min(last, date(year, 12, 31).toordinal())
    days = list(range(start, end + 1))
    villages = county().villages
    places = (villages, [v.weight for v in villages])
    found = []
    for number, disease in enumerate(table("notifiable")["diseases"]):
        draw = chance.generator(seed, chance.STREAM, year, number)
        random = chance.scalar(seed, chance.STREAM, year, number, 1)
        for day, count in zip(days, draw.poisson(incidence.expected(draw, disease, days)), strict=True):
            found += [_case(random, disease, day, None, places) for _ in range(count)]
    random = chance.scalar(seed, chance.STREAM, year, 1000)
    for outbreak, onset in during(seed, first, last, start, end):
        found.append(_case(random, outbreak.disease, onset, outbreak, places))
    _hold_back(found, seed, first, last)
    kept = [case for case in found if case.reported < (last + 1) * DAY]
    return sorted(kept, key=lambda c: (c.reported, c.disease, c.village.code, c.birth))


def _hold_back(found: list[Case], seed: int, first: int, last: int) -> None:
    """A unit that reports nothing for weeks, then everything in one morning."""
    for outbreak in outbreaks(seed, first, last):
        if outbreak.course != "backlog" or outbreak.place is None:
            continue
        low, high = outbreak.start * DAY, outbreak.end * DAY
        for case in found:
            if case.disease == outbreak.disease and low <= case.reported < high:
                case.unit = outbreak.place
                case.reported = high + 9 * 60 + case.reported % 90
                case.reviewed = max(case.reviewed, case.reported + 60)
                case.corrected = None
                case.outbreak = outbreak.id


def _time(minute: int) -> str:
    return instant(minute // DAY, minute % DAY)


def resource(case: Case, number: str, last: int) -> Resource:
    """The Condition of a report card, its patient contained (docs/profiles.md)."""
    tables = table("notifiable")
    data = tables["diseases"][case.disease]
    base = f"{build.BASE}/CodeSystem"
    known = (last + 1) * DAY
    extensions = [
        extension(
            "case-class",
            valueCoding=coding(f"{base}/case-class", data["class"], tables["classes"][data["class"]]),
        ),
        extension(
            "case-status",
            valueCoding=coding(f"{base}/case-status", case.status, tables["statuses"][case.status]),
        ),
        extension("reported", valueInstant=_time(case.reported)),
    ]
    if case.reviewed < known:
        extensions.append(extension("reviewed", valueInstant=_time(case.reviewed)))
    if case.corrected is not None and case.corrected < known:
        extensions.append(extension("corrected", valueInstant=_time(case.corrected)))
    extensions.append(extension("reporting-unit", valueReference=case.unit.reference))
    if case.school:
        extensions.append(extension("work-unit", valueReference=case.school.reference))
    if case.pathogen:
        extensions.append(extension("pathogen", valueCodeableConcept={"text": case.pathogen}))
    town = county().town_of(case.village)
    patient = {
        "resourceType": "Patient",
        "id": "subject",
        "gender": case.sex,
        "birthDate": iso(case.birth),
        "address": [
            {
                "extension": [build.division(case.village.code, case.village.name)],
                "use": "home",
                "city": town.name,
                "district": county().name,
            }
        ],
    }
    verified = ("confirmed", "确诊") if case.status == "confirmed" else ("provisional", "临床诊断")
    return {
        "resourceType": "Condition",
        "id": f"case-{number}",
        "contained": [patient],
        "extension": extensions,
        "identifier": [identifier("case-report", f"{county().code}-{number}")],
        "clinicalStatus": concept(CLINICAL, "active", "活动"),
        "verificationStatus": concept(VERIFIED, *verified),
        "category": [build.own("condition-category", "notifiable-case", "法定传染病报告")],
        "code": concept(ICD10, data["code"], data["zh"]),
        "subject": {"reference": "#subject"},
        "onsetDateTime": iso(case.onset),
        "recordedDate": _time(case.diagnosed),
    }


def numbered(seed: int, first: int, last: int, year: int) -> Iterator[tuple[str, Case]]:
    """The year's cards with their numbers, which say nothing of the truth."""
    for index, case in enumerate(cases(seed, first, last, year), 1):
        yield f"{year}-{index:05d}", case


def reports(seed: int, first: int, last: int, year: int) -> Iterator[Resource]:
    """The year's cards as resources."""
    for number, case in numbered(seed, first, last, year):
        yield resource(case, number, last)
