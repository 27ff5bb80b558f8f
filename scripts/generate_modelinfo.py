"""Make the tables of the models that are built into CQL, from their ModelInfo files.

usage: scripts/generate_modelinfo.py CHECKOUT   (a checkout of github.com/cqframework/clinical_quality_language)

Both files are pinned by their hash (commit 3198cd1497b6); their texts for people are left out (NOTICE).
"""

import hashlib
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

from shangyi.query.cql.model.read import TABLES, to_table

SOURCES = {
    "system": (
        "cql/src/commonMain/resources/org/hl7/elm/r1/system-modelinfo.xml",
        "358032d73c989739a09b6c3e06504a2d977c340014c87c60d2dd081ba2ae7d6a",
    ),
    "fhir": (
        "quick/src/main/resources/org/hl7/fhir/fhir-modelinfo-4.0.1.xml",
        "16fa8119e074ebfb6a301b58af72417c2360dca899e89f6e3bd1d9a0e4789722",
    ),
}


def main(checkout: Path) -> None:
    """Write both tables."""
    for name, (path, expected) in SOURCES.items():
        content = (checkout / path).read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            sys.exit(f"{path} is not the pinned one: {found}")
        table = to_table(ElementTree.fromstring(content))
        text = json.dumps(table, separators=(",", ":"), sort_keys=True)
        (TABLES / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
