"""export, backup, restore: the way out and back."""

import itertools
import json
import zipfile
from pathlib import Path

from tests.cli.conftest import Home
from tests.cli.test_records import ndjson, patient


def test_the_way_out_and_back(home: Home, tmp_path: Path) -> None:
    home.json("load", "-", stdin=ndjson(patient("a", "张", "三"), patient("b", "李", "四")))
    home.json("account", "add", "liwei", "--role", "clinician", "--area", "*")
    assert home.json("export", "--out", str(tmp_path / "out"))["resources"] == {"Patient": 2}
    rows = (tmp_path / "out" / "Patient.ndjson").read_text().splitlines()
    assert sorted(json.loads(row)["id"] for row in rows) == ["a", "b"]

    file = tmp_path / "all.backup"
    assert home.json("backup", str(file))["bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0
    assert home.json("restore", str(file), "--verify")["verified"]
    assert "not empty" in home.run("restore", str(file), code=3).stderr

    other = Home(home.path.with_name("restored"), home.forge)
    try:
        other.json("restore", str(file))
        assert other.json("status")["resources"] == {"Patient": 2}
        assert other.json("get", "Patient/a") == home.json("get", "Patient/a")
        assert [account["name"] for account in other.json("account", "list")] == ["liwei"]
    finally:
        other.stop()


def test_a_damaged_backup_changes_nothing(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    home.json("backup", str(file))
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:  # within a table: what lies between members bears no content
        members = sorted(archive.infolist(), key=lambda member: member.header_offset)
        largest, following = max(
            itertools.pairwise(members), key=lambda pair: pair[1].header_offset - pair[0].header_offset
        )
    content[(largest.header_offset + following.header_offset) // 2] ^= 0xFF
    file.write_bytes(content)
    other = Home(home.path.with_name("damaged"), home.forge)
    try:
        assert "backup" in other.run("restore", str(file), code=3).stderr
        assert other.json("status").get("resources", {}) == {}
    finally:
        other.stop()
