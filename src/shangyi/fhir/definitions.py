"""What FHIR R4 (4.0.1) says: types and their elements, required codes, search parameters, compartments.

Read from compact tables that ``scripts/generate_definitions.py`` writes out of the official definitions. Each
file is read at first use, each type decoded at first use. A type is named as in FHIR (``Patient``,
``HumanName``, ``code``); the content of a backbone element goes by its path (``Patient.contact``), which is
also what a content reference points to (``Questionnaire.item`` within itself).
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import msgspec

from shangyi.errors import NotSupported


class Element(msgspec.Struct, frozen=True, omit_defaults=True):
    """One element of a type. ``max`` 0 means unbounded.

    ``types``: names of types, or the path of a backbone type. ``choice``: the JSON name is ``name`` + type.
    ``binding``: strength (required, extensible, preferred, example) and value set. ``targets``: the resource
    types a Reference or canonical may point to; empty means any.
    """

    name: str = msgspec.field(name="n")
    types: tuple[str, ...] = msgspec.field(name="t")
    choice: bool = msgspec.field(name="c", default=False)
    min: int = msgspec.field(name="a", default=0)
    max: int = msgspec.field(name="z", default=1)
    binding: tuple[str, str] | None = msgspec.field(name="b", default=None)
    targets: tuple[str, ...] = msgspec.field(name="r", default=())
    is_summary: bool = msgspec.field(name="s", default=False)
    is_modifier: bool = msgspec.field(name="m", default=False)

    @property
    def many(self) -> bool:
        """Whether JSON has an array here."""
        return self.max != 1

    @property
    def required_value_set(self) -> str | None:
        """The value set of a required binding."""
        return self.binding[1] if self.binding and self.binding[0] == "required" else None

    @property
    def properties(self) -> tuple[tuple[str, str], ...]:
        """JSON names and the type of each: one, or for a choice one a type (``valueQuantity``)."""
        if not self.choice:
            return ((self.name, self.types[0]),)
        return tuple((self.name + name[0].upper() + name[1:], name) for name in self.types)


class _Row(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="k")
    base: str | None = msgspec.field(name="p")
    elements: tuple[Element, ...] = msgspec.field(name="e")
    abstract: bool = msgspec.field(name="a", default=False)


class Structure(msgspec.Struct, frozen=True, dict=True):
    """A type: ``kind`` is resource, complex, primitive or backbone; elements in the order of the specification."""

    name: str
    kind: str
    base: str | None
    abstract: bool
    elements: tuple[Element, ...]

    @property
    def by_name(self) -> Mapping[str, Element]:
        """Elements by their name without a choice's type: ``value``, not ``valueQuantity``."""
        return _by_name(self.name)

    @property
    def properties(self) -> Mapping[str, tuple[Element, str]]:
        """JSON name → its element and its type: ``valueQuantity`` → (value[x], ``Quantity``)."""
        return _properties(self.name)


class Invariant(msgspec.Struct, frozen=True):
    """A constraint of the specification; ``severity`` is error or warning."""

    key: str
    severity: str
    human: str
    expression: str
    best_practice: bool = False


class SearchParameter(msgspec.Struct, frozen=True):
    """A search parameter. ``component`` (composites): the definition's URL and its expression, by part."""

    url: str
    code: str
    type: str
    base: tuple[str, ...]
    expression: str | None = None
    target: tuple[str, ...] = ()
    component: tuple[tuple[str, str], ...] = ()
    comparator: tuple[str, ...] = ()
    multipleOr: bool = True
    multipleAnd: bool = True

    def expression_for(self, resource_type: str) -> str | None:
        """The alternatives of the expression that apply to one type: ``Patient.name`` of ``Patient.name | …``."""
        if self.expression is None:
            return None
        names = {resource_type, *ancestors(resource_type)}
        parts = split_alternatives(self.expression)
        kept = [part for part in parts if (head := _head(part)) in names or head[:1].islower()]
        return " | ".join(kept) or None


def _head(path: str) -> str:
    """The first name of a path: a type, or (InsurancePlan.name is ``name | alias``) already an element."""
    return path.lstrip("( ").split(".", 1)[0].split(" ", 1)[0]


def split_alternatives(expression: str) -> list[str]:
    """The operands of the outermost ``|`` of a FHIRPath expression."""
    parts, depth, start = [], 0, 0
    quoted = False
    for index, char in enumerate(expression):
        if char == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "|" and depth == 0:
            parts.append(expression[start:index].strip())
            start = index + 1
    return [*parts, expression[start:].strip()]


def _read(name: str) -> bytes:
    return resources.files("shangyi.fhir").joinpath("tables", name).read_bytes()


@cache
def _types() -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(_read("types.json"), type=dict[str, msgspec.Raw])


@cache
def structure(name: str) -> Structure:
    """A type by name or backbone path; NotSupported where R4 has no such type."""
    raw = _types().get(name)
    if raw is None:
        raise NotSupported("FHIR R4 has no type {name}", name=name)
    row = msgspec.json.decode(raw, type=_Row)
    return Structure(name, row.kind, row.base, row.abstract, row.elements)


@cache
def _by_name(name: str) -> Mapping[str, Element]:
    return MappingProxyType({element.name: element for element in structure(name).elements})


@cache
def _properties(name: str) -> Mapping[str, tuple[Element, str]]:
    elements = structure(name).elements
    return MappingProxyType({json: (e, type_) for e in elements for json, type_ in e.properties})


@cache
def _kinds() -> Mapping[str, tuple[str, bool]]:
    class Head(msgspec.Struct):
        k: str
        a: bool = False

    rows = msgspec.json.decode(_read("types.json"), type=dict[str, Head])
    return {name: (row.k, row.a) for name, row in rows.items()}


@cache
def resource_types() -> tuple[str, ...]:
    """The 146 concrete resource types, in alphabetical order."""
    return tuple(
        sorted(name for name, (kind, abstract) in _kinds().items() if kind == "resource" and not abstract)
    )


@cache
def _resource_type_set() -> frozenset[str]:
    return frozenset(resource_types())


def is_resource_type(name: object) -> bool:
    """Whether ``name`` is a concrete resource type."""
    return name in _resource_type_set()


@cache
def data_types() -> tuple[str, ...]:
    """Primitive and complex types that are not abstract."""
    kinds = _kinds().items()
    return tuple(sorted(n for n, (k, abstract) in kinds if k in ("primitive", "complex") and not abstract))


@cache
def type_names() -> frozenset[str]:
    """Every name of a type, abstract ones too, without backbone paths."""
    return frozenset(name for name, (kind, _) in _kinds().items() if kind != "backbone")


@cache
def is_primitive(name: str) -> bool:
    """Whether the value of this type is a JSON string, number or boolean."""
    return _kinds().get(name, ("",))[0] == "primitive"


@cache
def ancestors(name: str) -> tuple[str, ...]:
    """The types a type specialises, nearest first: Patient → DomainResource, Resource."""
    base = structure(name).base
    return (base, *ancestors(base)) if base else ()


def is_subtype(name: str, of: str) -> bool:
    """Whether ``name`` is ``of`` or a specialisation of it: FHIRPath ``is``."""
    return name == of or of in ancestors(name)


@cache
def _invariants() -> Mapping[str, tuple[Invariant, ...]]:
    return msgspec.json.decode(_read("invariants.json"), type=dict[str, tuple[Invariant, ...]])


@cache
def invariants(path: str) -> tuple[Invariant, ...]:
    """Constraints stated for a type (``Patient``, ``Patient.contact``) or an element (``Narrative.div``).

    Not those of its ancestors: ask for ``Element`` (ele-1), ``DomainResource`` … by ``ancestors``.
    """
    return _invariants().get(path, ())


@cache
def _codes() -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(_read("codes.json"), type=dict[str, msgspec.Raw])


@cache
def codes(value_set: str) -> Mapping[str, frozenset[str]] | None:
    """The codes of a required value set by system; None where they cannot be listed (MIME types, UCUM)."""
    raw = _codes().get(value_set.split("|")[0])
    return None if raw is None else msgspec.json.decode(raw, type=dict[str, frozenset[str]])


@cache
def _search() -> Mapping[str, Mapping[str, SearchParameter]]:
    rows: dict[str, dict[str, SearchParameter]] = {}
    for parameter in msgspec.json.decode(_read("search.json"), type=list[SearchParameter]):
        for base in parameter.base:
            rows.setdefault(base, {})[parameter.code] = parameter
    return rows


@cache
def search_parameters(resource_type: str) -> Mapping[str, SearchParameter]:
    """Search parameters of a type by code, with those of DomainResource and Resource (``_id`` …)."""
    found: dict[str, Any] = {}
    for name in (*reversed(ancestors(resource_type)), resource_type):
        found.update(_search().get(name, {}))
    return MappingProxyType(dict(sorted(found.items())))


@cache
def search_parameter_by_url(url: str) -> SearchParameter | None:
    """A search parameter by its canonical URL, as the components of composites name theirs."""
    rows = (p for by_code in _search().values() for p in by_code.values())
    return next((p for p in rows if p.url == url), None)


@cache
def compartment(name: str = "Patient") -> Mapping[str, tuple[str, ...]]:
    """Resource type → the search parameters that put a resource into the compartment; Patient only."""
    rows = msgspec.json.decode(_read("compartments.json"), type=dict[str, dict[str, tuple[str, ...]]])
    if name not in rows:
        raise NotSupported("There is no compartment {name}", name=name)
    return MappingProxyType(rows[name])
