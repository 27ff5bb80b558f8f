"""What the record says of a resident before any visit: who they are, where, with whom, insured how."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

from shangyi.synth import build
from shangyi.synth.build import Resource, division, iso, own, reference
from shangyi.synth.county import county
from shangyi.synth.households import Household
from shangyi.synth.institutions import Staff, family_doctors, health_centre_of, institutions
from shangyi.synth.population import Person
from shangyi.synth.tables import step, table


@dataclass(frozen=True)
class Standing:
    """How somebody stands in the health system. ``insurance``: ``employee``, ``resident`` or None."""

    insurance: str | None
    doctor: Staff | None
    contract_from: int | None
    phone: str | None


def standing(random: Random, person: Person, start: int, until: int) -> Standing:
    """Draws insurance, family doctor and phone."""
    data = table("households")
    assert person.village is not None
    urban = next(t for t in county().towns if t.code == person.village.town).urban
    insured, employee = data["insurance"], data["insurance"]["employee"]
    kind = None
    if random.random() < insured["insured"]:
        share = step(employee["age"], employee["urban" if urban else "rural"], person.age)
        kind = "employee" if random.random() < share else "resident"
    contract = data["contract"]
    first = person.age >= contract["priority_age"] or person.age <= contract["priority_child_age"]
    doctors = family_doctors(person.village.town)
    doctor, since = None, None
    if random.random() < contract["share"]["priority" if first else "other"]:
        doctor = doctors[int(person.village.code[9:]) % len(doctors)]  # a doctor looks after whole villages
        opened = date(contract["first_year"], 1, 1).toordinal()
        earliest = max(start, person.birth + 30, opened)
        if earliest < person.end(until):
            since = random.randint(earliest, min(person.end(until), earliest + 1500))
        else:
            doctor = None
    phones = data["phone"]
    phone = None
    if person.age >= phones["from_age"] and random.random() < phones["share"]:
        phone = f"{phones['prefix']}{person.number * 7919 % 10_000:04d}"
    return Standing(kind, doctor, since, phone)


def _address(person: Person, line: str) -> Resource:
    here = county()
    assert person.village is not None
    town = here.town_of(person.village)
    return {
        "extension": [division(person.village.code, person.village.name)],
        "use": "home",
        "text": f"{here.name}{town.name}{line}",
        "line": [line],
        "city": town.name,
        "district": here.name,
        "country": "CN",
    }


def patient(person: Person, home: Household, stands: Standing) -> Resource:
    """The Patient resource."""
    assert person.village is not None
    resource: Resource = {
        "resourceType": "Patient",
        "id": person.id,
        "identifier": [build.identifier("resident-id", person.resident_id)],
        "active": person.death is None,
        "name": [{"use": "official", "text": person.name, "family": person.surname, "given": [person.given]}],
    }
    if stands.insurance:
        resource["identifier"].append(build.identifier("insurance-number", f"91{person.resident_id[6:]}"))
    if stands.phone:
        resource["telecom"] = [{"system": "phone", "value": stands.phone, "use": "mobile"}]
    resource["gender"] = person.sex
    resource["birthDate"] = iso(person.birth)
    if person.death is not None:
        resource["deceasedDateTime"] = iso(person.death)
    resource["address"] = [_address(person, home.line)]
    if person.age >= 20:
        resource["maritalStatus"] = build.concept(f"{build.V3}MaritalStatus", *_marital(person, home))
    other = next((m for m in home.members if m is not person and m.age >= 18 and m.death is None), None)
    if other:
        resource["contact"] = [
            {
                "relationship": [own("family-relation", *_towards(other, person, home))],
                "name": {"text": other.name, "family": other.surname, "given": [other.given]},
                "gender": other.sex,
            }
        ]
    if stands.doctor:
        resource["generalPractitioner"] = [stands.doctor.reference]
    resource["managingOrganization"] = health_centre_of(person.village.town).reference
    return resource


def _relation(member: Person, home: Household) -> tuple[str, str]:
    """To the head of the household."""
    relations = table("households")["relations"]
    code, display = relations["head" if member is home.head else member.relation]
    return code, display


GENERATION = {"parent": -1, "head": 0, "spouse": 0, "son": 1, "daughter": 1, "grandchild": 2}


def _towards(other: Person, person: Person, home: Household) -> tuple[str, str]:
    """What ``other`` is to ``person``, by generation, as far as the household says."""
    relations = table("households")["relations"]
    here, there = (GENERATION.get("head" if p is home.head else p.relation) for p in (person, other))
    kind = "other"
    if here is not None and there is not None:
        apart = there - here
        couple = apart == 0 and here in (0, -1) and other.sex != person.sex
        kind = {-2: "grandparent", -1: "parent", 0: "spouse" if couple else "sibling", 2: "grandchild"}.get(
            apart, "other"
        )
        if apart == -1:
            kind = "father" if other.sex == "male" else "mother"
        if apart == 1:
            kind = "son" if other.sex == "male" else "daughter"
    code, display = relations[kind]
    return code, display


def _marital(person: Person, home: Household) -> tuple[str, str]:
    """By the household: widowed where the spouse has died, or where age and children say that there was one."""
    spouses = [m for m in home.members[:2] if m is not person and m.relation in ("head", "spouse")]
    couple = spouses and person in home.members[:2] and person.relation in ("head", "spouse")
    if person.married:
        died = (
            couple
            and spouses[0].death is not None
            and (person.death is None or spouses[0].death < person.death)
        )
        return ("W", "丧偶") if died else ("M", "已婚")
    never = table("households")["never_married"]
    if person.number % 100 < 100 * step(never["age"], never[person.sex], person.age) and not person.children:
        return "S", "未婚"
    return ("D", "离婚") if person.age < never["widowed_from_age"] else ("W", "丧偶")


def group(home: Household) -> Resource:
    """The household; each member's relation to the head is an extension of the member (GB/T 4761)."""
    members: list[Resource] = []
    for member in home.members:
        entry: Resource = {
            "extension": [
                build.extension(
                    "relation-to-head", valueCodeableConcept=own("family-relation", *_relation(member, home))
                )
            ],
            "entity": reference("Patient", member.id, member.name),
        }
        if member.death is not None:
            entry |= {"period": {"end": iso(member.death)}, "inactive": True}
        members.append(entry)
    return {
        "resourceType": "Group",
        "id": home.id,
        "active": any(m.death is None for m in home.members),
        "type": "person",
        "actual": True,
        "code": own("group", "household", "家庭户"),
        "name": f"{home.head.name}户",
        "quantity": len(home.members),
        "member": members,
    }


def coverage(person: Person, stands: Standing, start: int, until: int) -> Iterator[Resource]:
    """The medical insurance, if any."""
    if not stands.insurance:
        return
    display = {"employee": "职工基本医疗保险", "resident": "城乡居民基本医疗保险"}[stands.insurance]
    opened = date(date.fromordinal(start).year, 1, 1).toordinal()  # an insurance year is a calendar year
    period = {"start": iso(max(opened, person.birth))}
    if person.death is not None:
        period["end"] = iso(person.death)
    yield {
        "resourceType": "Coverage",
        "id": f"{person.id}-cov",
        "status": "active" if person.death is None else "cancelled",
        "type": own("insurance", stands.insurance, display),
        "subscriberId": f"91{person.resident_id[6:]}",
        "beneficiary": reference("Patient", person.id, person.name),
        "period": period,
        "payor": [institutions()["insurer"].reference],
    }


def contract(person: Person, stands: Standing, until: int) -> Iterator[Resource]:
    """The family-doctor contract (签约) as an EpisodeOfCare, if any."""
    if stands.doctor is None or stands.contract_from is None:
        return
    assert person.village is not None
    period = {"start": iso(stands.contract_from)}
    if person.death is not None:
        period["end"] = iso(person.death)
    yield {
        "resourceType": "EpisodeOfCare",
        "id": f"{person.id}-gp",
        "status": "active" if person.death is None else "finished",
        "type": [own("episode-type", "family-doctor", "家庭医生签约服务")],
        "patient": reference("Patient", person.id, person.name),
        "managingOrganization": health_centre_of(person.village.town).reference,
        "period": period,
        "careManager": stands.doctor.reference,
    }
