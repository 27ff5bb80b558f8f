"""What a command reads of one resident: from the record, or from a file."""

from pathlib import Path
from typing import Any

from shangyi.access import Session
from shangyi.errors import Invalid

PAGE = 1000


def of_record(session: Session, id: str) -> list[dict[str, Any]]:
    """The resident's record, and what it refers to. NotFound."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = session.everything("Patient", id, count=PAGE, cursor=cursor)
        found += [version.resource for version in (*page.matches, *page.included)]
        cursor = page.next
        if not cursor:
            return found


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
