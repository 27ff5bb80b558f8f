import json
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import Databases

from shangyi.errors import Conflict, Invalid
from shangyi.store import keys
from shangyi.store.backups import backup, restore, verify_backup
from shangyi.store.database import Store
from shangyi.store.exports import export
from shangyi.store.integrity import verify
from shangyi.store.load import load


def fill(store: Store, folder: Path) -> None:
    file = folder / "in.ndjson"
    groups = [
        {
            "resourceType": "Group",
            "type": "person",
            "actual": True,
            "id": f"g{n}",
            "name": f"Group {n}",
            "quantity": n,
        }
        for n in range(1200)
    ]
    file.write_text("".join(json.dumps(group) + "\n" for group in groups))
    load(store, [file], workers=0)
    store.repository.update(
        {"resourceType": "Group", "type": "person", "actual": True, "id": "g1", "quantity": 9}
    )
    store.repository.delete("Group", "g2")
    store.repository.update({"resourceType": "Basic", "id": "b", "code": {"text": "汉字"}})


@pytest.fixture(scope="module")
def filled(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    fill(store, tmp_path_factory.mktemp("fill"))
    return store


@pytest.fixture
def empty(databases: Databases) -> Iterator[Store]:
    with Store(databases.new()) as opened:
        yield opened


def test_a_backup_brings_back_everything(filled: Store, empty: Store, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    backup(filled, file)
    assert file.stat().st_mode & 0o777 == 0o600
    restore(empty, file)
    for type_, id_ in (("Group", "g1"), ("Group", "g2"), ("Basic", "b")):
        assert empty.repository.history(type_, id_) == filled.repository.history(type_, id_)
    assert empty.repository.history(count=3) == filled.repository.history(count=3)
    with filled.pool.connection() as one, empty.pool.connection() as other:
        query = "select rid, version, updated, tokens from search order by rid"
        assert one.execute(query).fetchall() == other.execute(query).fetchall()
    changes, _ = empty.repository.changes(limit=5000)
    assert len(changes) == 1203
    assert verify(empty).problems == []
    assert (
        empty.repository.update(
            {"resourceType": "Group", "type": "person", "actual": True, "id": "g2"}
        ).version.version
        == 3
    )
    with pytest.raises(Conflict):
        restore(empty, file)


@pytest.mark.parametrize("damage", ["cut", "flip", "other"])
def test_a_damaged_backup_is_refused_and_changes_nothing(
    filled: Store, empty: Store, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "backup.zip"
    backup(filled, file)
    data = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        with zipfile.ZipFile(file) as archive:
            place = archive.getinfo("resource.copy.zst").header_offset + 2000
        data[place] ^= 0xFF
        file.write_bytes(data)
    else:
        file.write_bytes(b"not a backup")
    with pytest.raises(Invalid):
        verify_backup(file)
    with pytest.raises(Invalid):
        restore(empty, file)
    assert empty.repository.history().versions == []


@pytest.mark.parametrize("compress", [False, True])
def test_an_export_loads_again_without_a_change(filled: Store, tmp_path: Path, compress: bool) -> None:
    counts = export(filled, tmp_path / "out", compress=compress)
    assert counts == {"Basic": 1, "Group": 1199}
    report = load(filled, [tmp_path / "out"], workers=0, ledger=False)
    assert (report.unchanged, report.added, report.updated, report.refused) == (1200, 0, 0, 0)
    assert export(filled, tmp_path / "some", types=["Basic"]) == {"Basic": 1}


def test_verify_finds_what_is_wrong(filled: Store, empty: Store, tmp_path: Path) -> None:
    assert verify(filled).problems == []
    fill(empty, tmp_path)
    empty.repository.update({"resourceType": "Patient", "id": "p", "name": [{"family": "Zhang"}]})
    with empty.pool.connection() as connection:
        connection.execute("delete from search where rid in (select rid from search limit 1)")
        connection.execute("update resource set body = 'x' where version = 2 and method = 'u'")
        connection.execute("update search set tokens = tokens || 7 where rid = %s", [keys.rid("Group", "g5")])
        connection.execute("delete from search_string where rid = %s", [keys.rid("Patient", "p")])
        connection.execute("update resource set xid = '1' where version = 2 and method = 'd'")
    assert Counter(problem.split(" (")[0] for problem in verify(empty).problems) == {
        "a current resource without its search row": 1,
        "a body that cannot be read": 1,
        "a search row that is not what its resource says": 1,
        "further values that are not what their resource says": 1,
        "a version that comes before its predecessor in the outbox": 1,
    }


def test_a_backup_while_others_write_is_of_one_instant(store: Store, empty: Store, tmp_path: Path) -> None:
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            entries = [
                {
                    "resource": {"resourceType": "Basic", "id": name, "code": {"text": str(number)}},
                    "request": {"method": "PUT", "url": f"Basic/{name}"},
                }
                for name in ("twin1", "twin2")
            ]
            store.repository.transaction({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not store.repository.read_many([("Basic", "twin1")]):
            pass
        backup(store, tmp_path / "backup")
    finally:
        ended.set()
        writer.join()
    restore(empty, tmp_path / "backup")
    one, other = (empty.repository.read("Basic", name) for name in ("twin1", "twin2"))
    assert (one.version, one.resource["code"]) == (other.version, other.resource["code"])
    assert verify(empty).problems == []


def test_an_export_into_an_empty_store_is_the_same_record(
    filled: Store, empty: Store, tmp_path: Path
) -> None:
    export(filled, tmp_path / "out")
    assert load(empty, [tmp_path / "out"], workers=0).refused == 0
    export(empty, tmp_path / "back")

    def content(folder: Path) -> dict[str, list[str]]:
        rows = {file.name: file.read_text().splitlines() for file in folder.iterdir()}
        return {name: sorted(map(without_meta, lines)) for name, lines in rows.items()}

    assert content(tmp_path / "out") == content(tmp_path / "back")


def without_meta(line: str) -> str:
    """A resource without its version and instant, which are each store's own."""
    resource = json.loads(line)
    del resource["meta"]
    return json.dumps(resource, sort_keys=True)
