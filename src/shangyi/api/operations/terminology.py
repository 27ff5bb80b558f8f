"""What the terminology operations have in common: the definition asked about, versions, and Parameters for an answer."""

from collections.abc import Iterable, Sequence
from typing import Any

from shangyi.api.call import Call, Resource
from shangyi.api.operations.definition import Input, Parameter
from shangyi.errors import Invalid
from shangyi.terminology import definitions, versions
from shangyi.terminology.concepts import Coding
from shangyi.terminology.definitions import Definition
from shangyi.terminology.library import Library, Versions
from shangyi.terminology.service import Terminology
from shangyi.terminology.validation import of_fhir

VERSIONS = {
    "system-version": Parameter("uri", many=True),
    "check-system-version": Parameter("uri", many=True),
    "force-system-version": Parameter("uri", many=True),
    "useSupplement": Parameter("uri", many=True),
    "tx-resource": Parameter("Resource", many=True),
}
"""Input of every operation that looks into code systems: which version, which supplements, and definitions to use
beside those known here."""


def one(given: Input, name: str) -> Any:
    """The value of an input that is given once, or None."""
    return given.get(name, [None])[0]


def true(given: Input, name: str, otherwise: bool = False) -> bool:
    """A boolean input."""
    found = one(given, name)
    return otherwise if found is None else found == "true"


def asked_versions(given: Input) -> Versions:
    """Which versions the request wants of code systems and value sets."""

    def pairs(*names: str) -> tuple[tuple[str, str], ...]:
        split = (versions.canonical(text) for name in names for text in given.get(name, ()))
        return tuple((url, version) for url, version in split if version)

    return Versions(
        pairs("system-version", "default-valueset-version"),
        pairs("force-system-version", "force-valueset-version"),
        pairs("check-system-version", "check-valueset-version"),
    )


def supplements(given: Input) -> tuple[str, ...]:
    """The supplements to apply."""
    return tuple(given.get("useSupplement", ()))


def library(terminology: Terminology, given: Input) -> Library:
    """What is known here, with the definitions that the request brings."""
    brought = given.get("tx-resource", ())
    if not brought:
        return terminology.library
    return Library(definitions.Chain(definitions.Memory(brought), terminology.library.source))


def value_set(call: Call, given: Input, known: Library) -> Definition | None:
    """The value set that is asked about: of the address, in the body, or by its canonical; None where none is named."""
    named = [name for name in ("url", "valueSet", "context") if name in given]
    if call.place.get("id"):
        if named:
            raise Invalid("The address names the value set already", expression=named[0])
        stored = call.session.read("ValueSet", call.place["id"])
        return Definition(f"{stored.reference}/_history/{stored.version}", stored.resource)
    if "context" in given:
        raise Invalid("Name the value set by its url: the binding of an element is not looked up here")
    if len(named) > 1:
        raise Invalid("Give one value set: by url, or in the body")
    if named == ["valueSet"]:
        resource = given["valueSet"][0]
        if resource.get("resourceType") != "ValueSet":
            raise Invalid("The parameter {name} is no {type}", name="valueSet", type="ValueSet")
        return Definition("body", resource)
    if not named:
        return None
    url, version = versions.canonical(given["url"][0])
    version = version or one(given, "valueSetVersion")
    return known.value_set(url, asked_versions(given).wanted(url, version))


def coding(given: Input) -> Coding | None:
    """The code that is asked about: ``coding``, or ``code`` with ``system``; None where none is."""
    if "coding" in given and "code" in given:
        raise Invalid("Give one code: coding, or code and system")
    if "coding" in given:
        return of_fhir(given["coding"][0])
    if "code" not in given:
        return None
    return Coding(
        one(given, "system"),
        given["code"][0],
        one(given, "systemVersion") or one(given, "version"),
        one(given, "display"),
    )


def parameters(items: Iterable[tuple[str, str, object]]) -> Resource:
    """Parameters of (name, element, value), those without a value left out."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": name, key: value} for name, key, value in items if value not in (None, [], "")
        ],
    }


def part(name: str, parts: Sequence[tuple[str, str, object]]) -> Resource:
    """A parameter of parts."""
    return {"name": name, "part": parameters(parts)["parameter"]}
