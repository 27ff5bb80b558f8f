"""export, backup, restore: the way out and back."""

import json
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
    content[len(content) // 3] ^= 0xFF
    file.write_bytes(content)
    other = Home(home.path.with_name("damaged"), home.forge)
    try:
        assert "backup" in other.run("restore", str(file), code=3).stderr
        assert other.json("status").get("resources", {}) == {}
    finally:
        other.stop()
