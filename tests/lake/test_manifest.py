"""Readers see a whole version or none, and keep it while they read."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shangyi import lake
from shangyi.errors import Misconfigured, NotFound, Unavailable
from shangyi.lake import manifest


def write(directory: Path, *ids: str) -> None:
    lake.write(directory, [{"resourceType": "Patient", "id": id} for id in ids])


def ids(opened: "lake.Lake") -> list[str]:
    return sorted(r["id"] for r in opened.resources("Patient"))


def files(directory: Path) -> int:
    return len(list(directory.glob("*/*.parquet")))


def test_a_new_version_takes_the_place_of_the_last(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b", "c")
    with lake.open(tmp_path) as opened:
        assert opened.version == 2
        assert ids(opened) == ["b", "c"]
    assert files(tmp_path) == 1


def test_who_reads_an_older_version_keeps_its_files(tmp_path: Path) -> None:
    write(tmp_path, "a")
    with lake.open(tmp_path) as older:
        write(tmp_path, "b")
        assert ids(older) == ["a"]
        with lake.open(tmp_path) as newer:
            assert ids(newer) == ["b"]
    write(tmp_path, "c")
    assert files(tmp_path) == 1


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with manifest.writing(tmp_path), pytest.raises(Unavailable, match="Another process"):
        write(tmp_path, "a")


def test_no_lake(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        lake.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1}', b"\xff"])
def test_a_damaged_manifest_is_told(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "a")
    (tmp_path / manifest.NAME).write_bytes(content)
    with pytest.raises(Misconfigured, match="damaged"):
        lake.open(tmp_path)


def test_another_format_is_told(tmp_path: Path) -> None:
    write(tmp_path, "a")
    path = tmp_path / manifest.NAME
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(Misconfigured, match="99"):
        lake.open(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs another user to lack permissions")
def test_a_directory_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom shangyi import lake\nfrom shangyi.errors import ShangyiError\n"
        "lake.write\nos.setuid(65534)\n"
        "try: lake.write(sys.argv[1], [{'resourceType': 'Patient', 'id': 'a'}])\n"
        "except ShangyiError as error: print(type(error).__name__, error)\n"
    )
    (tmp_path / "x").mkdir(mode=0o755)
    for parent in [tmp_path, *tmp_path.parents][:3]:
        parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x" / "lake")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Permission denied" in done.stdout, done.stderr
    assert done.stdout.startswith("Misconfigured")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told_and_the_last_version_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a")
    plain = Path.open

    def full(self: Path, mode: str = "r", *rest: object, **more: object) -> object:
        return (
            open("/dev/full", "wb")
            if self.suffix == ".parquet" and "w" in mode
            else plain(self, mode, *rest, **more)
        )  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(Unavailable, match="No space left"):
        write(tmp_path, "b")
    monkeypatch.undo()
    with lake.open(tmp_path) as opened:
        assert ids(opened) == ["a"]
    assert not list(tmp_path.glob("scratch-*"))


BUILD = """
import sys
from shangyi import lake
lake.write(sys.argv[1], [{"resourceType": "Patient", "id": "warm"}])
print("ready", flush=True)
while True:
    lake.write(sys.argv[1], [{"resourceType": "Patient", "id": f"p{n}", "name": [{"text": "x" * (n % 50)}]} for n in range(2000)])
"""


def kill_a_build(directory: Path, after_s: float) -> None:
    with subprocess.Popen([sys.executable, "-c", BUILD, str(directory)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(after_s)
        child.send_signal(signal.SIGKILL)


def survives(directory: Path, times: int) -> None:
    last = 0
    for number in range(times):
        kill_a_build(directory, 0.02 + 0.017 * (number % 11))
        with lake.open(directory) as opened:
            assert opened.version >= last
            last = opened.version
            assert len(ids(opened)) in (1, 2000)
    write(directory, "after")
    assert files(directory) == 1
    assert not list(directory.glob("scratch-*"))


def test_killed_builds_leave_a_whole_version(tmp_path: Path) -> None:
    write(tmp_path, "a")
    survives(tmp_path, 4)


@pytest.mark.slow
def test_fifty_killed_builds_leave_a_whole_version(tmp_path: Path) -> None:
    write(tmp_path, "a")
    survives(tmp_path, 50)
