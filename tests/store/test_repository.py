from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shangyi.errors import Conflict, Gone, Invalid, NotFound, PreconditionFailed
from shangyi.store.database import Store
from shangyi.store.model import Method, Scope


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "gender": "female", "birthDate": "1980-02-03", **more}


def test_what_is_created_is_read_with_id_and_meta(store: Store) -> None:
    written = store.repository.create(patient(meta={"tag": [{"code": "x"}]}, multipleBirthInteger=2))
    assert written.created
    found = store.repository.read("Patient", written.version.id)
    assert found == written.version
    assert list(found.resource) == [
        "resourceType",
        "id",
        "meta",
        "gender",
        "birthDate",
        "multipleBirthInteger",
    ]
    assert found.resource["meta"]["versionId"] == "1" == str(found.version)
    assert found.resource["meta"]["tag"] == [{"code": "x"}]
    assert found.etag == 'W/"1"'


def test_decimals_stay_as_written(store: Store) -> None:
    written = store.repository.create(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "valueQuantity": {"value": Decimal("1.20")},
        }
    )
    assert b'"value":1.20' in store.repository.read("Observation", written.version.id).body


def test_update_makes_versions_and_delete_keeps_them(store: Store) -> None:
    repository = store.repository
    first = repository.update(patient(id="upd"))
    second = repository.update(patient(id="upd", active=True))
    assert (first.created, second.created) == (True, False)
    assert second.version.updated >= first.version.updated + timedelta(milliseconds=1)
    assert repository.vread("Patient", "upd", 1).resource.get("active") is None
    deleted = repository.delete("Patient", "upd")
    assert deleted is not None
    assert deleted.version.method is Method.DELETE
    with pytest.raises(Gone):
        repository.read("Patient", "upd")
    with pytest.raises(Gone):
        repository.vread("Patient", "upd", 3)
    assert [v.version for v in repository.history("Patient", "upd").versions] == [3, 2, 1]
    assert repository.update(patient(id="upd")).version.version == 4
    assert repository.read("Patient", "upd").version == 4


def test_the_same_content_is_not_written_again(store: Store) -> None:
    store.repository.update(patient(id="same"))
    again = store.repository.update(patient(id="same"))
    assert (again.changed, again.version.version) == (False, 1)


def test_if_match_names_the_current_version(store: Store) -> None:
    store.repository.update(patient(id="match"))
    with pytest.raises(PreconditionFailed):
        store.repository.update(patient(id="match", active=True), if_match=2)
    with pytest.raises(PreconditionFailed):
        store.repository.delete("Patient", "match", if_match=7)
    assert store.repository.update(patient(id="match", active=True), if_match=1).version.version == 2


def test_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.repository.read("Patient", "never")
    assert store.repository.delete("Patient", "never") is None
    with pytest.raises(Invalid):
        store.repository.read("Patiant", "x")
    with pytest.raises(Invalid):
        store.repository.update(patient(id="a b"))


def test_nul_changes_nothing(store: Store) -> None:
    with pytest.raises(Invalid):
        store.repository.update(patient(id="nul", language="a\0b"))
    with pytest.raises(NotFound):
        store.repository.read("Patient", "nul")
    kept = store.repository.update(patient(id="slash", language="a\\u0000"))
    assert kept.version.resource["language"] == "a\\u0000"


def test_patch_reads_changes_writes(store: Store) -> None:
    store.repository.update(patient(id="patch"))
    store.repository.patch("Patient", "patch", lambda resource: {**resource, "active": True})
    assert store.repository.read("Patient", "patch").resource["active"] is True


def test_a_scope_of_types_hides_the_others(store: Store) -> None:
    store.repository.update(patient(id="scoped"))
    with pytest.raises(NotFound):
        store.repository.read("Patient", "scoped", Scope(types=frozenset({"Observation"})))


def test_history_of_a_type_pages_by_keyset(store: Store) -> None:
    for number in range(7):
        store.repository.update(
            {
                "resourceType": "Group",
                "type": "person",
                "actual": True,
                "id": f"g{number % 3}",
                "quantity": number,
            }
        )
    seen, cursor = [], None
    while True:
        page = store.repository.history("Group", count=2, cursor=cursor)
        seen += [version.resource["quantity"] for version in page.versions]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [6, 5, 4, 3, 2, 1, 0]
    assert len(store.repository.history(count=3).versions) == 3


def test_two_resources_never_share_an_id_by_chance(store: Store) -> None:
    ids = [store.repository.create(patient()).version.id for _ in range(20)]
    assert sorted(ids) == sorted(set(ids))
    assert issubclass(Conflict, Exception)
