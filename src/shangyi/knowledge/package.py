"""A package read whole: its manifest, libraries of CQL, definitions of codes, Measures, pages and test patients."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from shangyi.errors import ShangyiError
from shangyi.fhir import json
from shangyi.knowledge import cases, gaps, manifest, measures
from shangyi.knowledge.errors import PackageError, PackageErrors
from shangyi.knowledge.gaps import Gap
from shangyi.knowledge.manifest import Manifest
from shangyi.query.cql.errors import CqlError, CqlErrors
from shangyi.query.cql.library import Program
from shangyi.query.cql.translate import translate
from shangyi.query.cql.translate.sources import directory
from shangyi.terminology.definitions import Memory

Resource = dict[str, Any]


@dataclass(frozen=True)
class Package:
    """One package. ``programs`` are its libraries by name, typed; ``measures`` its Measures by id."""

    root: Path
    manifest: Manifest
    programs: Mapping[str, Program]
    texts: Mapping[str, str]
    codes: tuple[Resource, ...]
    measures: Mapping[str, Resource]
    gaps: tuple[Gap, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name in its manifest."""
        return self.manifest.name

    @cached_property
    def definitions(self) -> Memory:
        """Its code systems, value sets and concept maps, as ``terminology`` asks for them."""
        return Memory(self.codes)

    @cached_property
    def cases(self) -> tuple[cases.Case, ...]:
        """Its test patients, by name."""
        return tuple(cases.read(self.root / "tests"))

    def program_of(self, measure: Resource) -> Program:
        """The library of one of its Measures."""
        return self.programs[measures.library_name(measure)]

    def libraries(self) -> Iterator[Resource]:
        """Its libraries as FHIR Libraries, each with its text."""
        for name, program in self.programs.items():
            yield {
                "resourceType": "Library",
                "id": name,
                "url": f"{self.manifest.canonical}/Library/{name}",
                "version": program.main.identifier.version or self.manifest.version,
                "name": name,
                "status": "active",
                "type": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/library-type",
                            "code": "logic-library",
                        }
                    ]
                },
                "content": [
                    {
                        "contentType": "text/cql",
                        "data": base64.b64encode(self.texts[name].encode()).decode(),
                    }
                ],
            }


def load(root: Path) -> Package:
    """The package in a directory; PackageErrors with all that is wrong with it."""
    said = manifest.read(root / "package.json")
    errors: list[PackageError] = []
    texts, programs, files = _libraries(root / "cql", errors)
    broken = bool(errors)
    codes = [resource for _, resource in _resources(root / "codes", errors)]
    found: dict[str, Resource] = {}
    for file, resource in _resources(root / "measures", errors):
        if not broken:  # what measures name cannot be told before their libraries are right
            errors += measures.check(file, resource, said.canonical, programs)
        found[str(resource.get("id", file.stem))] = resource
        files[str(resource.get("id", file.stem))] = file
    open_gaps = () if broken else gaps.read(root / "pages" / "gaps.yaml", found, programs, errors)
    if not programs and not codes and not errors:
        errors.append(PackageError("The package holds neither libraries nor codes", file=root))
    if errors:
        raise PackageErrors({str(error): error for error in errors}.values())
    return Package(root, said, programs, texts, tuple(codes), found, open_gaps, files)


def _libraries(
    folder: Path, errors: list[PackageError]
) -> tuple[dict[str, str], dict[str, Program], dict[str, Path]]:
    texts: dict[str, str] = {}
    programs: dict[str, Program] = {}
    files: dict[str, Path] = {}
    sources = directory(folder) if folder.is_dir() else None
    for file in sorted(folder.rglob("*.cql")) if folder.is_dir() else ():
        text = file.read_text(encoding="utf-8-sig")
        try:
            program = translate(text, sources, file.stem)
        except CqlErrors as found:
            errors += [_placed(folder, file, error) for error in found.errors]
            continue
        name = program.main.identifier.name
        texts[name], programs[name], files[name] = text, program, file
    return texts, programs, files


def _placed(folder: Path, file: Path, error: CqlError) -> PackageError:
    """An error of CQL, in the file in which it stands: that of an included library is told in its own."""
    name = error.library.split("|")[0]
    stands = next((f for f in folder.rglob("*.cql") if f.stem == name), file)
    issue = error.issues[0]
    return PackageError(
        issue.text, file=stands, line=error.line, column=error.column, near=error.near, **issue.args
    )


def _resources(folder: Path, errors: list[PackageError]) -> Iterator[tuple[Path, Resource]]:
    for file in sorted(folder.rglob("*.json")) if folder.is_dir() else ():
        try:
            resource = json.loads(file.read_bytes())
        except ShangyiError as error:
            line, column = getattr(error, "line", 0), getattr(error, "column", 0)
            errors.append(
                PackageError(
                    "This is not JSON: {reason}", file=file, line=line, column=column, reason=str(error)
                )
            )
            continue
        yield file, resource
