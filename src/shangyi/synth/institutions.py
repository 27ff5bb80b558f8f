"""Hospitals, clinics, schools, pharmacies and offices of the county, and who works in them.

The same for every seed: codes of institutions and staff stay when another population is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any

from shangyi.synth import build, chance, names
from shangyi.synth.build import Resource, coding, division, identifier, own, reference
from shangyi.synth.county import Town, Village, county
from shangyi.synth.polygons import Point
from shangyi.synth.tables import table


@dataclass(frozen=True)
class Staff:
    """Somebody who works in an institution."""

    id: str
    name: str
    sex: str
    birth_year: int
    department: str

    @property
    def reference(self) -> Resource:
        """A reference with the name to show."""
        return reference("Practitioner", self.id, self.name)


@dataclass(frozen=True)
class Institution:
    """``level`` says what kind of visit goes there; ``reports`` how many case reports it files relative to others."""

    id: str
    type: str
    name: str
    english: str
    level: str
    division: str
    division_name: str
    town: str
    at: Point
    staff: tuple[Staff, ...] = ()
    reports: float = 0.0
    pupils: tuple[int, int, float] | None = None

    @property
    def reference(self) -> Resource:
        """A reference with the name to show."""
        return reference("Organization", self.id, self.name)

    def department(self, *wanted: str) -> list[Staff]:
        """Staff of these departments, else of all."""
        return [s for s in self.staff if s.department in wanted] or list(self.staff)


def _staff(random: Random, prefix: str, departments: dict[str, int]) -> tuple[Staff, ...]:
    ages = table("institutions")["staff_age"]
    year = table("calendar")["reference_year"]
    staff: list[Staff] = []
    for department, count in departments.items():
        for _ in range(count):
            sex = "female" if random.random() < 0.5 else "male"
            born = year - random.randint(ages["from"], ages["to"])
            name = names.surname(random) + names.given_name(random, sex, born)
            staff.append(Staff(f"{prefix}-{len(staff) + 1:02d}", name, sex, born, department))
    return tuple(staff)


def _of_county(random: Random, data: Any) -> Iterator[Institution]:
    here = county()
    seat = here.towns[0]
    office = (seat.code, seat.name, seat.code, seat.at)
    for kind, type_ in (("authority", "authority"), ("insurer", "insurer")):
        entry = data[kind]
        yield Institution(entry["id"], type_, entry["zh"], entry["en"], type_, *office)
    for entry in data["county"]:
        staff = _staff(random, f"s-{entry['id']}", entry["staff"])
        yield Institution(
            entry["id"],
            entry["type"],
            entry["zh"],
            entry["en"],
            entry["level"],
            *office,
            staff,
            entry["reports"],
        )
    for entry in data["county_schools"]:
        ages = (*entry["ages"], entry["share"])
        yield Institution(
            entry["id"], entry["type"], entry["zh"], entry["en"], "school", *office, pupils=ages
        )


def _of_town(random: Random, town: Town, data: Any) -> Iterator[Institution]:
    place = (town.code, town.name, town.code, town.at)
    short = town.code[6:9]
    entry = data["town"]
    plain = town.name[:-1]
    pattern = (
        entry["seat_zh"] if town.urban else entry["zh"] if town.name.endswith("镇") else entry["small_zh"]
    )
    yield Institution(
        f"health-{short}",
        entry["type"],
        pattern.format(town=town.name),
        entry["en"].format(town=town.english),
        entry["level"],
        *place,
        _staff(random, f"s-{short}", entry["staff"]),
        entry["reports"],
    )
    for school in data["schools"]:
        yield Institution(
            f"{school['id']}-{short}",
            school["type"],
            school["zh"].format(town=plain),
            school["en"].format(town=town.english),
            "school",
            *place,
            pupils=(*school["ages"], school["share"]),
        )
    shop = data["pharmacies"]
    for number in range(shop["seat" if town.urban else "others"]):
        brand, english = shop["brands"][(number + int(short)) % len(shop["brands"])]
        suffix = f"{number + 1}" if town.urban else ""
        yield Institution(
            f"pharmacy-{short}-{number + 1}",
            "pharmacy",
            shop["zh"].format(brand=brand, town=plain + suffix),
            shop["en"].format(brand_en=english, town=f"{town.english} {suffix}".strip()),
            "pharmacy",
            *place,
        )
    for village in town.villages:
        yield _clinic(random, town, village, data["village"])


def _clinic(random: Random, town: Town, village: Village, entry: Any) -> Institution:
    community = village.name.endswith("社区")
    return Institution(
        f"clinic-{village.code[6:]}",
        entry["type"],
        entry["seat_zh" if community else "zh"].format(village=village.name),
        entry["en"],
        entry["level"],
        village.code,
        village.name,
        town.code,
        village.at,
        _staff(random, f"s-{village.code[6:]}", entry["staff"]),
    )


@cache
def institutions() -> dict[str, Institution]:
    """All of them by id."""
    data = table("institutions")
    random = chance.scalar(int(county().code), chance.COUNTY, 1)
    found = [*_of_county(random, data)]
    for town in county().towns:
        found += _of_town(random, town, data)
    return {institution.id: _sited(random, institution) for institution in found}


def _sited(random: Random, place: Institution) -> Institution:
    """With a site of its own: near the middle of the community that its town's office lies in."""
    if place.level == "village":
        return place
    town = next(town for town in county().towns if town.code == place.town)
    middle, outline = town.villages[0].at, town.villages[0].outline
    corner = chance.pick(random, outline)
    part = random.uniform(0.05, 0.6)
    at = tuple(round(here + part * (there - here), 5) for here, there in zip(middle, corner, strict=True))
    return replace(place, at=(at[0], at[1]))


def clinic_of(village: Village) -> Institution:
    """The clinic of a village."""
    return institutions()[f"clinic-{village.code[6:]}"]


def health_centre_of(town_code: str) -> Institution:
    """The township hospital of a 12-digit town code."""
    return institutions()[f"health-{town_code[6:9]}"]


def at_level(level: str, village: Village) -> Institution:
    """Where somebody of ``village`` goes at this level of care."""
    if level == "village":
        return clinic_of(village)
    if level == "township":
        return health_centre_of(village.town)
    return institutions()[level]


def family_doctors(town_code: str) -> list[Staff]:
    """The general practitioners of a town, each with a panel."""
    return health_centre_of(town_code).department("全科医学科")


def _area(id: str, name: str, code: str, part_of: str | None, at: Point | None) -> Resource:
    location: Resource = {
        "resourceType": "Location",
        "id": id,
        "identifier": [{"system": f"{build.BASE}/CodeSystem/division", "value": code}],
        "status": "active",
        "name": name,
        "mode": "kind",
        "physicalType": build.concept(f"{build.HL7}location-physical-type", "area", "Area"),
        "address": {"extension": [division(code, name)], "text": name},
    }
    if at:
        location["position"] = _position(at)
    if part_of:
        location["partOf"] = reference("Location", part_of)
    return location


def _position(at: Point) -> Resource:
    return {"longitude": build.decimal(at[0], 5), "latitude": build.decimal(at[1], 5)}


def _divisions() -> Iterator[Resource]:
    here = county()
    yield _area(f"div-{here.division}", here.name, here.division, None, None)
    for town in here.towns:
        yield _area(f"div-{town.code}", town.name, town.code, f"div-{here.division}", town.at)
        for village in town.villages:
            yield _area(f"div-{village.code}", village.name, village.code, f"div-{town.code}", village.at)


def _address(place: Institution) -> Resource:
    here = county()
    town = next(t for t in here.towns if t.code == place.town)
    line = place.division_name if place.division != place.town else ""
    address: Resource = {
        "extension": [division(place.division, place.division_name)],
        "text": f"{here.name}{town.name}{line}",
        "city": town.name,
        "district": here.name,
        "country": "CN",
    }
    return address | ({"line": [line]} if line else {})


def _organization(place: Institution) -> Resource:
    zh, _ = table("institutions")["types"][place.type]
    organization: Resource = {
        "resourceType": "Organization",
        "id": place.id,
        "identifier": [identifier("institution", f"{county().code}-{place.id}")],
        "active": True,
        "type": [own("institution-type", place.type, zh)],
        "name": place.name,
        "alias": [place.english],
        "address": [_address(place)],
    }
    if place.level in ("village", "township", "hospital", "tcm", "mch", "cdc"):
        parent = health_centre_of(place.town).id if place.level == "village" else "health-bureau"
        organization["partOf"] = institutions()[parent].reference
    return organization


def _location(place: Institution) -> Resource:
    return {
        "resourceType": "Location",
        "id": f"site-{place.id}",
        "status": "active",
        "name": place.name,
        "mode": "instance",
        "address": _address(place),
        "physicalType": build.concept(f"{build.HL7}location-physical-type", "si", "Site"),
        "position": _position(place.at),
        "managingOrganization": place.reference,
        "partOf": reference("Location", f"div-{place.division}"),
    }


def _practitioner(staff: Staff, place: Institution, surname_length: int = 1) -> Iterator[Resource]:
    yield {
        "resourceType": "Practitioner",
        "id": staff.id,
        "identifier": [identifier("practitioner", f"{county().code}{staff.id[1:]}")],
        "active": True,
        "name": [
            {
                "use": "official",
                "text": staff.name,
                "family": staff.name[:surname_length],
                "given": [staff.name[surname_length:]],
            }
        ],
        "gender": staff.sex,
        "birthDate": f"{staff.birth_year}",
    }
    yield {
        "resourceType": "PractitionerRole",
        "id": f"role-{staff.id}",
        "active": True,
        "practitioner": staff.reference,
        "organization": place.reference,
        "code": [coding_doctor(place)],
        "specialty": [{"text": staff.department}],
        "location": [reference("Location", f"site-{place.id}", place.name)],
    }


def coding_doctor(place: Institution) -> Resource:
    """What the staff of a kind of institution are."""
    code, display = ("village-doctor", "乡村医生") if place.level == "village" else ("doctor", "医师")
    return {"coding": [coding(f"{build.BASE}/CodeSystem/staff-role", code, display)], "text": display}


def resources() -> Iterator[Resource]:
    """Divisions, institutions and staff, each after what it refers to."""
    yield from _divisions()
    for place in institutions().values():
        yield _organization(place)
        yield _location(place)
        for staff in place.staff:
            length = next((n for n in (2,) if staff.name[:2] in names.double_surnames()), 1)
            yield from _practitioner(staff, place, length)
