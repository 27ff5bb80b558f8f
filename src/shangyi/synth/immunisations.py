"""Immunisations by the national programme and by campaign."""

from collections.abc import Iterator
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


def _doses(random: Random, person: Person, first: int, last: int) -> Iterator[tuple[int, Any, int]]:
    data = table("vaccines")
    for vaccine in data["national"]:
        for number, months in enumerate(vaccine["months"], vaccine.get("first_dose", 1)):
            at = (
                person.birth
                + int(months * MONTH)
                + (random.randint(1, 14) if months else random.randint(0, 1))
            )
            if first <= at <= last and random.random() < vaccine["coverage"]:
                yield (seen_on(random, at, "clinic", last) if months else at), vaccine, number
    for vaccine in data["campaigns"]:
        yield from _campaign(random, vaccine, person, first, last)


def _campaign(
    random: Random, vaccine: Any, person: Person, first: int, last: int
) -> Iterator[tuple[int, Any, int]]:
    if vaccine.get("sex", person.sex) != person.sex:
        return
    low = vaccine["from"].toordinal() if "from" in vaccine else first
    high = vaccine["until"].toordinal() if "until" in vaccine else last
    for year in range(date.fromordinal(first).year, date.fromordinal(last).year + 1):
        begin, end = vaccine["months"]
        at = date(year, begin, 1).toordinal() + random.randrange(int((end - begin + 1) * MONTH) - 2)
        age = person.age_on(at)
        fits = max(first, low) <= at <= min(last, high) and vaccine["ages"][0] <= age < vaccine["ages"][1] + 1
        if fits and random.random() < vaccine["yearly"]:
            day = seen_on(random, at, "clinic", last)
            yield day, vaccine, 1
            again = day + vaccine.get("second_after_days", 100_000)
            if again <= last:
                yield seen_on(random, again, "clinic", last), vaccine, 2
            if vaccine.get("once"):
                return


def immunisations(random: Random, person: Person, first: int, until: int) -> Iterator[Resource]:
    """Every dose within the ten years, at the resident's township health centre."""
    assert person.village is not None
    place, data = health_centre_of(person.village.town), table("vaccines")
    doses = _doses(random, person, max(first, person.birth), person.end(until))
    for number, (day, vaccine, dose) in enumerate(sorted(doses, key=lambda d: (d[0], d[1]["code"])), 1):
        yield {
            "resourceType": "Immunization",
            "id": f"{person.id}-i{number:02d}",
            "status": "completed",
            "vaccineCode": build.concept(data["system"], vaccine["code"], vaccine["zh"]),
            "patient": reference("Patient", person.id, person.name),
            "occurrenceDateTime": iso(day),
            "primarySource": True,
            "manufacturer": {"display": chance.pick(random, data["maker"])},
            "lotNumber": f"{iso(day)[:4]}{random.randint(1, 9999):04d}",
            "performer": [{"actor": place.reference}],
            "protocolApplied": [{"doseNumberPositiveInt": dose}],
        }
