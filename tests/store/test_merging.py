"""Merging two records of one person, and undoing it."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shangyi.errors import Conflict, PreconditionFailed, Unprocessable
from shangyi.store import merging
from shangyi.store.body import strip
from shangyi.store.database import Store
from shangyi.store.model import SearchRequest

NUMBER = itertools.count()
WHY = {
    "recorded": "2026-01-02T03:04:05Z",
    "agent": [{"who": {"display": "李敏"}}],
    "reason": [{"text": "同一人重复建档"}],
}
IDS = "https://shangyi.dev/fhir/sid/resident-id"


def patient(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "active": True, "name": [{"text": "单秀兰"}], **more}


def of(kind: str, id: str, who: str) -> dict[str, Any]:
    subject = {"reference": f"Patient/{who}", "display": "单秀兰"}
    code = {"text": "x"}
    match kind:
        case "Observation":
            more = {"status": "final", "code": code, "subject": subject, "performer": [subject]}
        case "Condition":
            more = {"code": code, "subject": subject}
        case "AllergyIntolerance":
            system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
            status = {"coding": [{"system": system, "code": "active"}]}
            more = {"code": code, "patient": subject, "clinicalStatus": status}
        case "RelatedPerson":
            more = {"patient": subject}
        case _:
            more = {"type": "person", "actual": True, "quantity": 1, "member": [{"entity": subject}]}
    return {"resourceType": kind, "id": id, **more}


KINDS = ("Observation", "Condition", "AllergyIntolerance", "RelatedPerson", "Group")


def bodies(store: Store, references: list[str]) -> dict[str, bytes]:
    found = [store.repository.read(*reference.split("/")) for reference in references]
    return {v.reference: strip(v.resource) for v in found}


@given(
    mine=st.lists(st.sampled_from(KINDS), max_size=6),
    theirs=st.lists(st.sampled_from(KINDS), max_size=6),
    extra=st.fixed_dictionaries(
        {},
        optional={
            "birthDate": st.sampled_from(["1958-03-14", "1958"]),
            "telecom": st.just([{"system": "phone", "value": "1"}]),
            "identifier": st.sampled_from([[{"system": IDS, "value": "2"}], [{"system": "a", "value": "1"}]]),
        },
    ),
    take=st.sets(st.sampled_from(["birthDate", "telecom", "gender"])),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_merge_then_undo_gives_the_same_bodies(
    store: Store, mine: list[str], theirs: list[str], extra: dict[str, Any], take: set[str]
) -> None:
    n = next(NUMBER)
    survivor, duplicate = f"s{n}", f"d{n}"
    made = [patient(survivor, identifier=[{"system": IDS, "value": "1"}]), patient(duplicate, **extra)]
    made += [of(kind, f"m{n}-{i}", survivor) for i, kind in enumerate(mine)]
    made += [of(kind, f"t{n}-{i}", duplicate) for i, kind in enumerate(theirs)]
    for resource in made:
        store.repository.update(resource)
    references = [f"{r['resourceType']}/{r['id']}" for r in made]
    before = bodies(store, references)

    merged = merging.merge(store.repository, (survivor, 1), (duplicate, 1), WHY, sorted(take))

    assert merged.moved == len(theirs)
    for reference in references[2 + len(mine) :]:
        body = store.repository.read(*reference.split("/")).body
        assert f"Patient/{duplicate}".encode() not in body
        assert f"Patient/{survivor}".encode() in body
    gone = store.repository.read("Patient", duplicate).resource
    assert gone["active"] is False
    assert merging.replaced_by(gone) == survivor

    merging.undo(store.repository, merged.provenance.id, WHY)

    assert bodies(store, references) == before
    with pytest.raises(Conflict):
        merging.undo(store.repository, merged.provenance.id, WHY)


@pytest.fixture
def two(store: Store) -> tuple[str, str, str]:
    n = next(NUMBER)
    store.repository.update(patient(f"s{n}", identifier=[{"system": IDS, "value": "1"}]))
    store.repository.update(patient(f"d{n}", identifier=[{"system": IDS, "value": "2"}]))
    store.repository.update(of("Observation", f"o{n}", f"d{n}"))
    return f"s{n}", f"d{n}", f"o{n}"


def test_the_survivor_is_found_by_the_others_number(store: Store, two: tuple[str, str, str]) -> None:
    survivor, duplicate, _ = two
    merging.merge(store.repository, (survivor, 1), (duplicate, 1), WHY)
    kept = store.repository.read("Patient", survivor).resource
    assert [(i["value"], i.get("use")) for i in kept["identifier"]] == [("1", None), ("2", "old")]


def test_a_record_changed_meanwhile_is_not_merged(store: Store, two: tuple[str, str, str]) -> None:
    survivor, duplicate, observation = two
    store.repository.update(patient(duplicate, gender="female"))
    with pytest.raises(PreconditionFailed):
        merging.merge(store.repository, (survivor, 1), (duplicate, 1), WHY)
    assert store.repository.read("Observation", observation).version == 1
    with pytest.raises(Unprocessable):
        merging.merge(store.repository, (survivor, 1), (survivor, 1), WHY)


def test_a_correction_since_the_merge_survives_its_undoing(store: Store, two: tuple[str, str, str]) -> None:
    survivor, duplicate, observation = two
    merged = merging.merge(store.repository, (survivor, 1), (duplicate, 1), WHY)
    corrected = store.repository.read("Observation", observation).resource | {"code": {"text": "y"}}
    store.repository.update(corrected)
    merging.undo(store.repository, merged.provenance.id, WHY)
    now = store.repository.read("Observation", observation).resource
    assert (now["code"]["text"], now["subject"]["reference"]) == ("y", f"Patient/{duplicate}")


def test_what_cannot_be_undone_says_what_stands_in_the_way(store: Store, two: tuple[str, str, str]) -> None:
    survivor, duplicate, observation = two
    third = f"t{next(NUMBER)}"
    store.repository.update(patient(third))
    first = merging.merge(store.repository, (survivor, 1), (duplicate, 1), WHY)
    second = merging.merge(store.repository, (third, 1), (survivor, 2), WHY)
    with pytest.raises(Conflict, match="undo that one first"):
        merging.undo(store.repository, first.provenance.id, WHY)
    merging.undo(store.repository, second.provenance.id, WHY)
    merging.undo(store.repository, first.provenance.id, WHY)
    assert (
        store.repository.read("Observation", observation).resource["subject"]["reference"]
        == f"Patient/{duplicate}"
    )


def test_an_entry_given_to_somebody_else_since_is_not_taken_back(
    store: Store, two: tuple[str, str, str]
) -> None:
    survivor, duplicate, observation = two
    merged = merging.merge(store.repository, (survivor, 1), (duplicate, 1), WHY)
    other = f"x{next(NUMBER)}"
    store.repository.update(patient(other))
    store.repository.update(of("Observation", observation, other))
    with pytest.raises(Conflict, match=f"Observation/{observation} subject"):
        merging.undo(store.repository, merged.provenance.id, WHY)
    assert store.repository.read("Patient", duplicate).resource["active"] is False


def test_one_household_holds_nobody_twice(store: Store, two: tuple[str, str, str]) -> None:
    survivor, duplicate, _ = two
    household = of("Group", f"g{survivor}", survivor)
    household["member"].append({"entity": {"reference": f"Patient/{duplicate}"}})
    household["quantity"] = 2
    store.repository.update(household)
    merging.merge(store.repository, (survivor, 1), (duplicate, 1), WHY)
    now = store.repository.read("Group", household["id"]).resource
    assert (len(now["member"]), now["quantity"]) == (1, 1)


def test_old_links_in_a_chain_lead_to_the_last(store: Store, two: tuple[str, str, str]) -> None:
    survivor, duplicate, _ = two
    third = f"t{next(NUMBER)}"
    store.repository.update(patient(third))
    merging.merge(store.repository, (survivor, 1), (duplicate, 1), WHY)
    merging.merge(store.repository, (third, 1), (survivor, 2), WHY)
    gone = store.repository.read("Patient", duplicate).resource
    assert merging.replaced_by(gone) == third


def test_what_happened_is_told(store: Store, two: tuple[str, str, str]) -> None:
    survivor, duplicate, _ = two
    merged = merging.merge(store.repository, (survivor, 1), (duplicate, 1), WHY)
    told = merged.provenance.resource
    assert [t["reference"].split("/")[1] for t in told["target"]][:2] == [survivor, duplicate]
    assert told["reason"] == WHY["reason"]
    found = store.repository.search(SearchRequest("Provenance", [("target", f"Patient/{duplicate}")])).matches
    assert [v.id for v in found] == [merged.provenance.id]
