"""``shangyi lake``: built of the record and of files, told, verified."""

import json
from pathlib import Path

from tests.cli.conftest import Home
from tests.cli.test_records import ndjson, patient

from shangyi import lake


def test_of_the_record(home: Home) -> None:
    home.json("load", "-", stdin=ndjson(patient("a", "张", "三"), patient("b", "李", "四")))
    made = home.json("lake", "build")
    assert made["source"] == "store"
    assert made["types"]["Patient"]["resources"] == 2
    assert made["directory"] == str(home.path / "lake")
    told = home.json("lake", "status")
    assert told.pop("behind") == {"changes": 0, "oldest": None, "seconds": None, "kept": False}
    assert told == made
    home.json("load", "-", stdin=ndjson(patient("c", "王", "五")))
    behind = home.json("status")["lake"]
    assert (behind["version"], behind["changes"], behind["kept"]) == (made["version"], 1, False)
    assert 0 <= behind["seconds"] < 600
    assert "1 changes of the record wait" in home.run("lake", "status").stdout
    found = home.json("lake", "verify")
    assert found["problems"] == []
    assert found["types"]["Patient"]["resources"] == 2
    assert "equals the record" in home.run("lake", "verify").stdout
    assert "Patient" in home.run("lake", "build").stdout


def test_of_files_without_a_record(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "people.ndjson"
    file.write_bytes(ndjson(patient("a", "张", "三")))
    target = tmp_path / "lake"
    made = home.json("lake", "import", str(file), "--directory", str(target))
    assert (made["resources"], made["source"], made["version"]) == (1, "import", 1)
    again = home.run("lake", "import", str(file), "--directory", str(target), code=3)
    assert "--replace" in again.stderr
    made = home.json(
        "lake", "import", "-", "--directory", str(target), "--replace", stdin=ndjson(patient("b", "李", "四"))
    )
    assert made["version"] == 2
    assert (
        home.run("lake", "verify", "--directory", str(target)).stdout.strip().endswith("The lake is whole.")
    )


def test_what_is_not_there_or_wrong(home: Home, tmp_path: Path) -> None:
    target = str(tmp_path / "lake")
    assert home.json("lake", "status", "--directory", target)["version"] is None
    assert "no lake" in home.run("lake", "verify", "--directory", target, code=4).stderr
    assert "no such file" in home.run("lake", "import", "/no/where", "--directory", target, code=4).stderr
    wrong = home.run(
        "lake", "import", "-", "--directory", target, "--json", stdin=b'{"resourceType":"Patient"\n', code=3
    )
    assert json.loads(wrong.stdout)["resourceType"] == "OperationOutcome"
    assert "stdin" in wrong.stderr
    assert not (tmp_path / "lake" / "manifest.json").exists()


def test_a_damaged_file_is_found(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "lake"
    lake.write(target, [patient(f"p{n}", "张", "三") for n in range(50)])
    [file] = (target / "Patient").glob("*.parquet")
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 0xFF
    file.write_bytes(data)
    found = home.run("lake", "verify", "--directory", str(target), code=1)
    assert "Patient: a file cannot be read" in found.stderr


def test_compacted(home: Home) -> None:
    home.json("load", "-", stdin=ndjson(patient("a", "张", "三")))
    home.json("lake", "build")
    made = home.json("lake", "compact")
    assert made["types"]["Patient"]["files"] == 1
    assert "Patient" in home.run("lake", "compact").stdout
    assert "no lake" in home.run("lake", "compact", "--directory", str(home.path / "none"), code=4).stderr
