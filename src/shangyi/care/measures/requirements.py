"""What data a program needs (http://hl7.org/fhir/R4/measure-operation-data-requirements.html): its retrieves and parameters."""

from collections.abc import Iterator
from typing import Any

from shangyi.query.cql import tree
from shangyi.query.cql.library import Library, Program
from shangyi.query.cql.types import IntervalOf, ListOf, Type
from shangyi.query.types import ItemType

Resource = dict[str, Any]
TYPES = "http://terminology.hl7.org/CodeSystem/library-type"
_SYSTEM = {
    "Boolean": "boolean", "Integer": "integer", "Decimal": "decimal", "String": "string", "Date": "date",
    "DateTime": "dateTime", "Time": "time", "Quantity": "Quantity", "Ratio": "Ratio", "Code": "Coding",
    "Concept": "CodeableConcept",
}  # fmt: skip


def requirements(program: Program, period: tuple[str, str] | None = None) -> Resource:
    """A Library of the type module-definition."""
    main = program.main
    found: Resource = {
        "resourceType": "Library",
        "status": "active",
        "name": main.identifier.name,
        "type": {"coding": [{"system": TYPES, "code": "module-definition"}]},
        "relatedArtifact": list(_related(program)),
        "parameter": [
            {"name": parameter.name, "use": "in", "min": 0, "max": "1", "type": _type(parameter.type)}
            for parameter in main.parameters
        ],
        "dataRequirement": list(_data(program)),
    }
    if main.identifier.version:
        found["version"] = main.identifier.version
    if period is not None:
        found["effectivePeriod"] = {"start": period[0], "end": period[1]}
    return {name: value for name, value in found.items() if value}


def _related(program: Program) -> Iterator[Resource]:
    """What it depends on: libraries, then code systems and value sets, each once."""
    seen: set[str] = set()
    names = [str(i) for i in program.libraries if i != program.main.identifier]
    named = [
        (definition.id, definition.version)
        for library in program.libraries.values()
        for definition in library.code_systems
    ]
    named += [
        (definition.id, definition.version)
        for library in program.libraries.values()
        for definition in library.value_sets
    ]
    urls = [f"{url}|{version}" if version else url for url, version in named]
    for name in [*sorted(f"Library/{n}" for n in names), *sorted(urls)]:
        if name not in seen:
            seen.add(name)
            yield {"type": "depends-on", "resource": name}


def _data(program: Program) -> Iterator[Resource]:
    """Each retrieve once."""
    seen: set[str] = set()
    for library in program.libraries.values():
        bodies = (*(e.expression for e in library.expressions), *(f.expression for f in library.functions))
        for body in bodies:
            for node in tree.walk(body) if body is not None else ():
                if isinstance(node, tree.Retrieve):
                    requirement = _requirement(program, library, node)
                    if (key := str(requirement)) not in seen:
                        seen.add(key)
                        yield requirement


def _requirement(program: Program, library: Library, node: tree.Retrieve) -> Resource:
    found: Resource = {"type": node.data_type.name}
    if node.template:
        found["profile"] = [node.template]
    if node.code_property and node.codes is not None:
        code: Resource = {"path": node.code_property}
        valueset = next((n for n in tree.walk(node.codes) if isinstance(n, tree.ValueSetRef)), None)
        if valueset is not None:
            definition = program.library(library, valueset.library).named[valueset.name]
            version = getattr(definition, "version", None)
            url = str(getattr(definition, "id", ""))
            code["valueSet"] = f"{url}|{version}" if version else url
        found["codeFilter"] = [code]
    if node.date_property:
        found["dateFilter"] = [{"path": node.date_property}]
    return found


def _type(type_: Type) -> str:
    match type_:
        case IntervalOf(point=ItemType(name="Quantity" | "Decimal" | "Integer")):
            return "Range"
        case IntervalOf():
            return "Period"
        case ListOf(element=element):
            return _type(element)
        case ItemType(namespace="System", name=name):
            return _SYSTEM.get(name, "Any")
        case ItemType(name=name):
            return name
    return "Any"
