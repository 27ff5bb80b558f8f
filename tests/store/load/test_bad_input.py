"""What is broken is refused with its place and reason, changes nothing, and does not keep the rest from going in."""

import gzip
import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shangyi.store.database import Store
from shangyi.store.load import Report, load, split
from shangyi.store.load.loader import CHUNK_ITEMS, _Load


def line(id: str, **more: Any) -> bytes:
    return json.dumps({"resourceType": "Patient", "id": id, **more}, ensure_ascii=False).encode() + b"\n"


def bundle(*entries: object, type: str = "collection") -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": type, "entry": entries}).encode()


PACKED = gzip.compress(line("gz"))
OBSERVATION = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
REFERRING = {**OBSERVATION, "subject": {"reference": "urn:uuid:nobody"}}
DEEP = (
    b'{"resourceType":"Patient","extension":'
    + b'[{"url":"a","extension":' * 50_000
    + b"[]"
    + b"}]" * 50_000
    + b"}"
)

FILES: list[tuple[str, bytes, int, list[str]]] = [
    # name, content, resources that go in, what is said of the others
    ("nothing.json", b"", 0, []),
    ("blank.json", b"\n \n\n", 0, []),
    ("cut.ndjson", line("a") + line("b") + line("c")[:20], 2, ["line 3: Not valid JSON"]),
    ("broken-in-the-middle.ndjson", line("a") + line("b")[:20] + b"\n" + line("c"), 2, ["line 2: Not valid"]),
    ("crlf.ndjson", line("a").replace(b"\n", b"\r\n") + b"\r\n" + line("b"), 2, []),
    ("bom.ndjson", b"\xef\xbb\xbf" + line("a") + line("b"), 2, []),
    ("utf-16.json", line("a").decode().encode("utf-16"), 0, ["UTF-8"]),
    (
        "gbk.ndjson",
        line("a") + line("b", name=[{"text": "张"}]).decode().encode("gb18030") + line("c"),
        2,
        ["line 2: Not valid UTF-8"],
    ),
    ("nul.ndjson", line("a") + b"\0\0\n" + line("b", language="x\0"), 1, ["line 2: ", "line 3: A text must"]),
    ("surrogate.json", b'{"resourceType":"Patient","language":"\\ud800"}', 0, ["JSON"]),
    ("noise.json", bytes(range(256)) * 20, 0, ["JSON"]),
    ("an-array.json", b"[" + line("a") + b"]", 0, ["JSON object"]),
    ("null.json", b"null", 0, ["JSON object"]),
    ("deep.json", DEEP, 0, ["deep"]),
    ("deep-bundle.json", DEEP.replace(b"Patient", b"Bundle"), 0, ["deep"]),
    ("twice.json", b'{"resourceType":"Patient","gender":"male","gender":"female"}', 0, ["twice"]),
    ("bomb.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><Patient xmlns="http://hl7.org/fhir"/>', 0, ["entities"]),
    (
        "file.xml",
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir"/>',
        0,
        ["entities"],
    ),
    ("ids.ndjson", line("a") + b'{"resourceType":"Patient","id":5}\n{"resourceType":["x"],"id":"b"}\n', 1, ["line 2", "line 3"]),
    ("entries.json", bundle({"resource": 5}, {"resource": [1]}, {}), 0, ["entry 0", "entry 1"]),
    ("no-entries.json", b'{"resourceType":"Bundle","type":"collection","entry":5}', 0, ["array"]),
    ("dangling.json", bundle({"resource": REFERRING}, {"resource": {"resourceType": "Patient"}}), 1, ["nobody"]),
    ("up.json", bundle({"fullUrl": "urn:uuid:../../x", "resource": {"resourceType": "Patient"}}), 0, ["id"]),
    ("cut.ndjson.gz", PACKED[:-9], 0, ["damaged or cut off"]),
    ("checksum.ndjson.gz", PACKED[:-8] + b"\0" * 8, 0, ["damaged or cut off"]),
    ("two-members.ndjson.gz", PACKED + gzip.compress(line("second")), 2, []),
    ("and-noise.ndjson.gz", PACKED + b"noise", 0, ["damaged or cut off"]),
    ("not-packed.ndjson.gz", line("a"), 1, []),
    ("packed-twice.ndjson.gz", gzip.compress(PACKED), 0, ["JSON"]),
]  # fmt: skip


def said(report: Report) -> list[str]:
    return [f"{r.place}: {r.issues[0].diagnostics}" for r in report.refusals]


@pytest.mark.parametrize("mapped", [1, split.MAPPED], ids=["mapped", "read"])
@pytest.mark.parametrize(("name", "content", "good", "wrong"), FILES, ids=[file[0] for file in FILES])
def test_a_file(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    good: int,
    wrong: list[str],
    mapped: int,
) -> None:
    monkeypatch.setattr(split, "MAPPED", mapped)
    file = tmp_path / name
    file.write_bytes(content)
    report = load(store, [file], workers=0, ledger=False)
    assert (report.added + report.updated + report.unchanged, report.refused) == (good, len(wrong))
    for sentence, expected in zip(said(report), wrong, strict=True):
        assert expected in sentence


def archive(change: Callable[[bytearray], None] = lambda data: None, **members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in (members or {"a.json": line("zip")}).items():
            file.writestr(name, content)
    data = bytearray(packed.getvalue())
    change(data)
    return bytes(data)


def encrypted(data: bytearray) -> None:
    data[6] |= 1
    data[data.find(b"PK\1\2") + 8] |= 1


def of_another_method(data: bytearray) -> None:
    data[8] = data[data.find(b"PK\1\2") + 10] = 99


def flipped(data: bytearray) -> None:
    data[data.find(b"Patient")] ^= 0xFF


ARCHIVES: list[tuple[str, bytes, int, list[str]]] = [
    ("encrypted", archive(encrypted), 0, ["encrypted"]),
    ("method", archive(of_another_method), 0, ["method"]),
    ("flipped", archive(flipped), 0, ["CRC"]),
    ("cut", archive()[:60], 0, ["zip file"]),
    ("none", b"hello", 0, ["zip file"]),
    ("nested", archive(**{"in.zip": archive(), "b.ndjson.gz": PACKED}), 1, ["packed twice"]),
    ("hidden", archive(**{".a.json": b"x", "__MACOSX/._a.json": b"\0", "b/.c/d.json": b"x"}), 0, []),
    ("outside", archive(**{"../../escaped.json": line("up"), "/tmp/escaped.json": line("root")}), 2, []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "good", "wrong"), ARCHIVES, ids=[a[0] for a in ARCHIVES])
def test_an_archive(
    store: Store, tmp_path: Path, name: str, content: bytes, good: int, wrong: list[str]
) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / f"{name}.zip"
    file.write_bytes(content)
    report = load(store, [file], workers=0, ledger=False)
    assert (report.added + report.unchanged, report.refused) == (good, len(wrong)), said(report)
    for sentence, expected in zip(said(report), wrong, strict=True):
        assert expected in sentence
    assert [p.name for p in tmp_path.rglob("*")] == ["in", file.name]  # nothing is ever unpacked to disk


def test_a_bomb_is_stopped_by_its_size_not_by_the_memory(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shangyi.store.load.split.LARGEST_DOCUMENT", 1 << 20)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b'{"a":"' + b"a" * 50_000_000 + b'"}'))
    (tmp_path / "lines.ndjson").write_bytes(line("a") + b'{"a":"' + b"a" * 2_000_000 + b'"}\n' + line("b"))
    report = load(store, [tmp_path], workers=0, ledger=False)
    assert [r.issues[0].code for r in report.refusals] == ["too-long", "too-long"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_pipe_is_read_as_it_comes(store: Store, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=[pack(line("p1") + line("p2"))]).start()
    report = load(store, [pipe], workers=0, ledger=False)
    assert (report.added + report.unchanged, report.refused) == (2, 0)


def test_links_and_special_files_in_a_directory(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(line("linked"))
    (tmp_path / "link.json").symlink_to("a.json")
    (tmp_path / "dangling.json").symlink_to("nothing")
    (tmp_path / "round").symlink_to(".")
    (tmp_path / ".hidden.json").write_bytes(b"noise")
    os.mkfifo(tmp_path / "fifo.json")
    report = load(store, [tmp_path], workers=0, ledger=False)
    assert (report.added, report.unchanged, report.refused) == (1, 1, 0)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(store: Store, tmp_path: Path) -> None:
    (tmp_path / "closed.json").write_bytes(line("closed"))
    (tmp_path / "closed.json").chmod(0)
    (tmp_path / "open.json").write_bytes(line("open"))
    report = load(store, [tmp_path], workers=0, ledger=False)
    assert (report.added, report.refused) == (1, 1)
    assert "cannot be read" in said(report)[0]


def test_a_million_refusals_are_not_kept_in_memory(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "many.ndjson"
    file.write_bytes(b'{"resourceType":"Bundle","type":"batch","entry":5}\n' * 5000)
    chunks: Iterator[Any] = _Load(store, 0, None, None, True).chunks([file])
    assert max(len(chunk.refused) for chunk in chunks) <= CHUNK_ITEMS
    assert load(store, [file], workers=0).refused == 5000


def test_a_fault_of_ours_refuses_one_resource_and_not_the_load(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shangyi.store.load import prepare

    def faulty(type: str, id: str) -> int:
        if id == "bad":
            raise ZeroDivisionError
        return real(type, id)

    real = prepare.keys.rid
    monkeypatch.setattr(prepare.keys, "rid", faulty)
    (tmp_path / "a.ndjson").write_bytes(line("good1") + line("bad") + line("good2"))
    report = load(store, [tmp_path], workers=0, ledger=False)
    assert (report.added, report.refused) == (2, 1)
    assert "ZeroDivisionError" in said(report)[0]
