"""The transaction that registers a resident. Ids come from the form's key: a form sent twice is written once."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from shangyi.access import Principal, masking
from shangyi.store.search import pinyin
from shangyi.synth.tables import table
from shangyi.web.provenance import provenance
from shangyi.web.registration.form import Person
from shangyi.web.residents import DIVISION

Resource = dict[str, Any]
BASE = "https://shangyi.dev/fhir"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the form refers to: names of the divisions, the household joined, the doctor signed with, the insurer."""

    county: str = ""
    town: str = ""
    village: str = ""
    household: Resource | None = None
    doctor: str = ""
    doctor_name: str = ""
    insurer: str = ""


def relations() -> dict[str, tuple[str, str]]:
    """Relations to the head of a household (GB/T 4761), as the data file says: name → (code, Chinese)."""
    found: dict[str, Any] = table("households")["relations"]
    return {name: (value[0], value[1]) for name, value in found.items() if name != "system"}


def _relation(name: str) -> Resource:
    code, display = relations()[name]
    system = table("households")["relations"]["system"]
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _own(system: str, code: str, display: str) -> Resource:
    coding = {"system": f"{BASE}/CodeSystem/{system}", "code": code, "display": display}
    return {"coding": [coding], "text": display}


def human_name(text: str) -> Resource:
    """A HumanName; a Chinese one is parted into surname (two characters where it is a double one) and given name."""
    found: Resource = {"use": "official", "text": text}
    if (
        all("\u4e00" <= letter <= "\u9fff" or letter == "·" for letter in text)
        and len(text) > 1
        and "·" not in text
    ):
        length = 2 if len(text) > 2 and text[:2] in pinyin.surnames() else 1
        found |= {"family": text[:length], "given": [text[length:]]}
    return found


def address(person: Person, around: Surroundings) -> Resource:
    """The home address with its division."""
    line = around.village + person["house"]
    coding = {"system": f"{BASE}/CodeSystem/division", "code": person["village"], "display": around.village}
    return {
        "extension": [{"url": DIVISION, "valueCoding": coding}],
        "use": "home",
        "text": f"{around.county}{around.town}{line}",
        "line": [line],
        "city": around.town,
        **({"district": around.county} if around.county else {}),
        "country": "CN",
    }


def identifiers(person: Person) -> list[Resource]:
    """Resident id and insurance number, as far as entered."""
    pairs = (
        (masking.RESIDENT_ID, person["resident_id"]),
        (masking.INSURANCE_NUMBER, person["insurance_number"]),
    )
    return [{"system": system, "value": value} for system, value in pairs if value]


def patient(person: Person, around: Surroundings) -> Resource:
    """The Patient."""
    found: Resource = {"resourceType": "Patient", "id": person.key}
    if numbers := identifiers(person):
        found["identifier"] = numbers
    found |= {"active": True, "name": [human_name(person["name"])]}
    if person["phone"]:
        found["telecom"] = [{"system": "phone", "value": person["phone"], "use": "mobile"}]
    found |= {"gender": person["sex"], "birthDate": person["birth"], "address": [address(person, around)]}
    if person["contact_name"]:
        contact: Resource = {"name": human_name(person["contact_name"])}
        if person["contact_relation"] in relations():
            contact["relationship"] = [_relation(person["contact_relation"])]
        if person["contact_phone"]:
            contact["telecom"] = [{"system": "phone", "value": person["contact_phone"]}]
        found["contact"] = [contact]
    if around.doctor:
        found["generalPractitioner"] = [{"reference": around.doctor, "display": around.doctor_name}]
    return found


def household(person: Person, around: Surroundings, subject: Resource) -> Resource | None:
    """The household with its new member; None where none was named."""
    if around.household is None:
        return None
    group = {**around.household}
    members = list(group.get("member", ()))
    if any(m.get("entity", {}).get("reference") == subject["reference"] for m in members):
        return group
    entry: Resource = {"entity": subject}
    if person["relation"] in relations():
        url = f"{BASE}/StructureDefinition/relation-to-head"
        entry = {"extension": [{"url": url, "valueCodeableConcept": _relation(person["relation"])}], **entry}
    return group | {"member": [*members, entry], "quantity": len(members) + 1}


def bundle(person: Person, around: Surroundings, principal: Principal) -> Resource:
    """Patient, insurance, family-doctor contract, household, and who registered them."""
    subject = {"reference": f"Patient/{person.key}", "display": person["name"]}
    day = person.started.date().isoformat()
    resources = [patient(person, around)]
    if person["insurance"]:
        display = {"employee": "职工基本医疗保险", "resident": "城乡居民基本医疗保险"}[person["insurance"]]
        payor = {"reference": around.insurer} if around.insurer else {"display": display}
        number = {"subscriberId": person["insurance_number"]} if person["insurance_number"] else {}
        resources.append(
            {
                "resourceType": "Coverage",
                "id": of(person, "coverage"),
                "status": "active",
                "type": _own("insurance", person["insurance"], display),
                **number,
                "beneficiary": subject,
                "payor": [payor],
            }
        )
    if around.doctor:
        resources.append(
            {
                "resourceType": "EpisodeOfCare",
                "id": of(person, "contract"),
                "status": "active",
                "type": [_own("episode-type", "family-doctor", "家庭医生签约服务")],
                "patient": subject,
                "period": {"start": person["contract_from"] or day},
                "careManager": {"reference": around.doctor, "display": around.doctor_name},
            }
        )
    targets = [f"{r['resourceType']}/{r['id']}" for r in resources]
    said = provenance(principal, targets, "CREATE", person["reason"], person.started)
    resources.append(said | {"id": of(person, "provenance")})
    entries = [_put(resource) for resource in resources]
    group = household(person, around, subject)
    if group is not None:
        version = group.get("meta", {}).get("versionId")
        entries.append(_put(group) if version is None else _put(group, f'W/"{version}"'))
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def of(person: Person, part: str) -> str:
    """The id of a part of this registration."""
    return str(uuid5(UUID(person.key), part))


def _put(resource: Resource, if_match: str = "") -> Resource:
    request = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    return {"resource": resource, "request": request | ({"ifMatch": if_match} if if_match else {})}
