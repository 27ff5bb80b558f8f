"""Measures for tests, and values of their definitions as literals."""

from collections.abc import Callable, Mapping
from typing import Any

from shangyi.care.measures import Definition, read
from shangyi.care.measures.report import CODES

EXTENSION = "http://hl7.org/fhir/us/cqfmeasures/StructureDefinition/cqfm-"


def extension(name: str, value: str, kind: str = "valueCode") -> dict[str, Any]:
    """An extension of the Quality Measure IG."""
    return {"url": f"{EXTENSION}{name}", kind: value}


def criteria(expression: str) -> dict[str, str]:
    """Criteria that name a definition."""
    return {"language": "text/cql-identifier", "expression": expression}


def population(code: str, expression: str | None = None, id: str = "", *extensions: Any) -> dict[str, Any]:
    """A population, by default of the definition that its code is."""
    found: dict[str, Any] = {
        "code": {"coding": [{"system": CODES, "code": code}]},
        "criteria": criteria(expression or code),
    }
    if id:
        found["id"] = id
    if extensions:
        found["extension"] = list(extensions)
    return found


def measure(
    scoring: str, *populations: dict[str, Any], basis: str = "boolean", **more: Any
) -> dict[str, Any]:
    """A Measure of one group; ``more`` are further elements of the group."""
    group = {"extension": [extension("populationBasis", basis)], "population": list(populations), **more}
    return {
        "resourceType": "Measure",
        "url": "urn:measure",
        "version": "1",
        "library": ["urn:library|1"],
        "scoring": {"coding": [{"code": scoring}]},
        "group": [group],
    }


def definition(scoring: str, *populations: dict[str, Any], **more: Any) -> Definition:
    """``measure``, read."""
    return read(measure(scoring, *populations, **more))


class Given:
    """Values that a test gives: of definitions by name, of functions as functions of Python."""

    def __init__(self, values: Mapping[str, Any], **functions: Callable[[Any], Any]) -> None:
        self.values, self.functions = values, functions

    def value(self, name: str) -> Any:
        """Of a definition."""
        value = self.values[name]
        if isinstance(value, Exception):
            raise value
        return value

    def of(self, name: str, item: Any) -> Any:
        """Of a function."""
        return self.functions[name](item)

    def is_function(self, name: str) -> bool:
        """Whether it is one."""
        return name in self.functions
