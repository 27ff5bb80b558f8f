"""What a command reads of one resident out of a file."""

from pathlib import Path
from typing import Any

from shangyi.errors import Invalid


def of_file(path: Path) -> list[dict[str, Any]]:
    """The resources of a bundle, or the one in the file. Invalid."""
    from shangyi.fhir import json

    if not path.exists():
        raise Invalid("{path} is not there", path=str(path))
    read = json.loads(path.read_bytes())
    if not isinstance(read, dict):
        raise Invalid("{path} holds no resource", path=str(path))
    if read.get("resourceType") != "Bundle":
        return [read]
    return [entry["resource"] for entry in read.get("entry", []) if "resource" in entry]
