"""Measures of a package held against its libraries: every criterion names a definition that is there."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shangyi.knowledge.errors import PackageError
from shangyi.query.cql.errors import near
from shangyi.query.cql.library import Program

Resource = dict[str, Any]


def library_name(measure: Resource) -> str:
    """The last part of the canonical address of its library, without the version."""
    libraries = measure.get("library") or [""]
    return str(libraries[0]).split("|")[0].rpartition("/")[2]


def check(
    file: Path, measure: Resource, canonical: str, programs: Mapping[str, Program]
) -> list[PackageError]:
    """What is wrong with a Measure."""
    if measure.get("resourceType") != "Measure":
        return [PackageError("This is no Measure", file=file)]
    if not str(measure.get("url", "")).startswith(canonical):
        return [
            PackageError("The address of a Measure begins with {canonical}", file=file, canonical=canonical)
        ]
    name = library_name(measure)
    program = programs.get(name)
    if program is None:
        hint = ", ".join(near(name, programs)) or ", ".join(programs)
        return [
            PackageError("The package has no library {name}; it has {hint}", file=file, name=name, hint=hint)
        ]
    return [
        PackageError(
            "{path}: the library {library} defines no {name}; near is {hint}",
            file=file,
            path=path,
            library=name,
            name=wanted,
            hint=", ".join(near(wanted, program.main.named)) or "–",
        )
        for path, wanted in criteria(measure)
        if wanted not in program.main.named
    ]


def criteria(measure: Resource) -> Iterator[tuple[str, str]]:
    """Each definition that a Measure names, with the element that names it."""
    for number, group in enumerate(measure.get("group", [])):
        for kind in ("population", "stratifier"):
            for index, part in enumerate(group.get(kind, [])):
                path = f"Measure.group[{number}].{kind}[{index}]"
                for wanted in (part, *part.get("component", [])):
                    if "criteria" in wanted:
                        yield path, str(wanted["criteria"].get("expression", ""))
    for index, part in enumerate(measure.get("supplementalData", [])):
        yield f"Measure.supplementalData[{index}]", str(part["criteria"].get("expression", ""))
