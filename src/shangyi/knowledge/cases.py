"""Test patients: ``tests/<case>/input.json`` (or a directory ``input``), and the MeasureReports that are expected."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shangyi.errors import ShangyiError
from shangyi.fhir import json
from shangyi.knowledge.errors import PackageError

Resource = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One resident's resources, and the reports that a package promises for them."""

    name: str
    folder: Path
    resources: tuple[Resource, ...]
    expected: tuple[Resource, ...]


def read(folder: Path) -> Iterator[Case]:
    """The cases under a directory, by name; PackageError where one cannot be read."""
    for case in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        resources = tuple(entry for resource in _files(case, "input") for entry in entries(resource))
        expected = tuple(_files(case, "expected"))
        if not resources or not expected:
            missing = "input" if not resources else "expected"
            raise PackageError("The case has no {missing}", file=case, missing=missing)
        yield Case(case.name, case, resources, expected)


def entries(resource: Resource) -> list[Resource]:
    """The resources of a Bundle, or the one resource."""
    if resource.get("resourceType") != "Bundle":
        return [resource]
    return [entry["resource"] for entry in resource.get("entry", []) if "resource" in entry]


def _files(case: Path, name: str) -> Iterator[Resource]:
    folder = case / name
    files = sorted(folder.glob("*.json")) if folder.is_dir() else [case / f"{name}.json"]
    for file in files:
        if not file.is_file():
            continue
        try:
            yield json.loads(file.read_bytes())
        except ShangyiError as error:
            raise PackageError("This is not JSON: {reason}", file=file, reason=str(error)) from None
