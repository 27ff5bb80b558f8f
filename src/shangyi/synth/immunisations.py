"""Immunisations by the national programme and by campaign."""

from collections.abc import Iterator, Mapping
from datetime import date
from random import Random
from typing import Any

from shangyi.synth import build, chance
from shangyi.synth.build import Resource, iso, reference
from shangyi.synth.calendar import seen_on
from shangyi.synth.institutions import health_centre_of
from shangyi.synth.population import Person
from shangyi.synth.tables import table
from shangyi.synth.visits import MONTH

Dose = tuple[int, Any, int]
"""Day, vaccine, number."""
APART_DAYS = 28
FIRST, LAST = date(1900, 1, 1), date(2100, 1, 1)


def _lies(day: int, bounds: Mapping[str, date] | None) -> bool:
    """Whether ``day`` lies within ``from`` … ``until`` of a data file; both may be absent."""
    bounds = bounds or {}
    return bounds.get("from", FIRST).toordinal() <= day <= bounds.get("until", LAST).toordinal()


def _national(random: Random, person: Person, first: int, last: int) -> Iterator[Dose]:
    before: dict[str, int] = {}
    for vaccine in table("vaccines")["national"]:
        if not _lies(person.birth, vaccine.get("born")) or vaccine.get("sex", person.sex) != person.sex:
            continue
        wanted = vaccine.get("free", True) or random.random() < vaccine["coverage"]
        share = vaccine["coverage"] if vaccine.get("free", True) else 0.95
        for number, months in enumerate(vaccine["months"], vaccine.get("first_dose", 1)):
            wait = random.randint(1, 14) if months else random.randint(0, 1)
            due = person.birth + int(months * MONTH) + wait
            at = max(due, before.get(vaccine["code"], 0) + APART_DAYS)
            day = seen_on(random, at, "routine", last) if months else at
            if (
                wanted
                and first <= at <= last
                and _lies(due, vaccine.get("given"))
                and random.random() < share
            ):
                before[vaccine["code"]] = day
                yield day, vaccine, number


def _campaign(random: Random, vaccine: Any, person: Person, first: int, last: int) -> Iterator[Dose]:
    if vaccine.get("sex", person.sex) != person.sex:
        return
    for year in range(date.fromordinal(first).year, date.fromordinal(last).year + 1):
        begin, end = vaccine["months"]
        at = date(year, begin, 1).toordinal() + random.randrange(int((end - begin + 1) * MONTH) - 2)
        age = person.age_on(at)
        fits = first <= at <= last and vaccine["ages"][0] <= age < vaccine["ages"][1] + 1
        if fits and _lies(at, vaccine) and random.random() < vaccine["yearly"]:
            day = seen_on(random, at, "routine", last)
            yield day, vaccine, vaccine.get("dose", 1)
            again = day + vaccine.get("second_after_days", 100_000)
            if again <= last:
                yield seen_on(random, again, "routine", last), vaccine, 2
            if vaccine.get("once"):
                return


def _doses(random: Random, person: Person, first: int, last: int) -> list[Dose]:
    doses = list(_national(random, person, first, last))
    for vaccine in table("vaccines")["campaigns"]:
        before = {given["code"] for _, given, _ in doses}
        wave = list(_campaign(random, vaccine, person, first, last))
        if vaccine.get("after", "") in ("", *before) and not (
            vaccine.get("once") and "after" not in vaccine and vaccine["code"] in before
        ):
            doses += wave
    return sorted(doses, key=lambda dose: (dose[0], dose[1]["code"]))


def immunisations(random: Random, person: Person, first: int, until: int) -> Iterator[Resource]:
    """Every dose within the ten years, at the resident's township health centre."""
    assert person.village is not None
    place, data = health_centre_of(person.village.town), table("vaccines")
    doses = _doses(random, person, max(first, person.birth), person.end(until))
    for number, (day, vaccine, dose) in enumerate(doses, 1):
        yield {
            "resourceType": "Immunization",
            "id": f"{person.id}-i{number:02d}",
            "status": "completed",
            "vaccineCode": build.concept(data["system"], vaccine["code"], vaccine["zh"]),
            "patient": reference("Patient", person.id, person.name),
            "occurrenceDateTime": iso(day),
            "primarySource": True,
            "manufacturer": {"display": chance.pick(random, vaccine["makers"])},
            "lotNumber": f"{iso(day)[:4]}{random.randint(1, 9999):04d}",
            "performer": [{"actor": place.reference}],
            "protocolApplied": [{"doseNumberPositiveInt": dose}],
        }
