"""Which concepts ``ValueSet.compose.include.filter`` means (http://hl7.org/fhir/R4/valueset-filter-operator.html)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import re2  # type: ignore[import-untyped]

from shangyi.errors import Invalid, Unprocessable
from shangyi.terminology.code_system import CodeSystem
from shangyi.terminology.concepts import Concept

Filter = Mapping[str, Any]
Test = Callable[[Concept], bool]
HIERARCHY = ("concept", "code")
"""How filters name the concept itself."""


def test(system: CodeSystem, filter: Filter) -> Test:
    """The filter as a test of one concept. Invalid or Unprocessable where it says nothing that can be followed."""
    name, operator, value = (filter.get(part) for part in ("property", "op", "value"))
    if not name or not operator or value in (None, ""):
        text = "The filter on {system} needs a property, an operation and a value"
        raise Invalid(text, system=system.url)
    make = _OPERATORS.get(operator)
    if make is None:
        raise Unprocessable(
            "The filter operation {op} is not known (on {system})", op=operator, system=system.url
        )
    return make(system, str(name), str(value))


def _root(system: CodeSystem, value: str) -> Concept:
    root = system.find(value)
    if root is None:
        raise Unprocessable(
            "The filter names the code {code}, which {system} does not have", code=value, system=system.url
        )
    return root


def _codes(found: Iterator[Concept], *more: Concept) -> Test:
    codes = {concept.code for concept in found} | {concept.code for concept in more}
    return lambda concept: concept.code in codes


def _is_a(system: CodeSystem, name: str, value: str) -> Test:
    root = _root(system, value)
    return _codes(system.descendants(root), root)


def _descendent_of(system: CodeSystem, name: str, value: str) -> Test:
    return _codes(system.descendants(_root(system, value)))


def _child_of(system: CodeSystem, name: str, value: str) -> Test:
    children = frozenset(_root(system, value).children)
    return lambda concept: concept.code in children


def _descendent_leaf(system: CodeSystem, name: str, value: str) -> Test:
    return _codes(c for c in system.descendants(_root(system, value)) if not c.children)


def _is_not_a(system: CodeSystem, name: str, value: str) -> Test:
    inside = _is_a(system, name, value)
    return lambda concept: not inside(concept)


def _generalizes(system: CodeSystem, name: str, value: str) -> Test:
    root = _root(system, value)
    return _codes(system.ancestors(root), root)


def _texts(system: CodeSystem, name: str, concept: Concept) -> list[str]:
    if name in HIERARCHY:
        return [concept.code]
    if name == "display":
        return [concept.display] if concept.display else []
    if name == "definition":
        return [concept.definition] if concept.definition else []
    if name in ("parent", "child"):
        return concept.parents if name == "parent" else concept.children
    found = [p.text for p in concept.properties if p.code == name]
    return found or (["true" if system.inactive(concept) else "false"] if name == "inactive" else [])


def _equal(system: CodeSystem, name: str, value: str) -> Test:
    return lambda concept: value in _texts(system, name, concept)


def _in(system: CodeSystem, name: str, value: str) -> Test:
    wanted = frozenset(part.strip() for part in value.split(","))
    return lambda concept: not wanted.isdisjoint(_texts(system, name, concept))


def _not_in(system: CodeSystem, name: str, value: str) -> Test:
    inside = _in(system, name, value)
    return lambda concept: not inside(concept)


def _regex(system: CodeSystem, name: str, value: str) -> Test:
    # RE2 takes linear time whatever the expression: these come from outside.
    options = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(value, options)
    except re2.error:
        raise Invalid("The regular expression {value} of a filter cannot be read", value=value[:64]) from None
    return lambda concept: any(pattern.fullmatch(text) for text in _texts(system, name, concept))


def _exists(system: CodeSystem, name: str, value: str) -> Test:
    wanted = value == "true"
    return lambda concept: bool(_texts(system, name, concept)) is wanted


_OPERATORS: Mapping[str, Callable[[CodeSystem, str, str], Test]] = {
    "=": _equal,
    "is-a": _is_a,
    "descendent-of": _descendent_of,
    "child-of": _child_of,
    "descendent-leaf": _descendent_leaf,
    "is-not-a": _is_not_a,
    "regex": _regex,
    "in": _in,
    "not-in": _not_in,
    "generalizes": _generalizes,
    "exists": _exists,
}
"""Those of R4, and of R5 ``child-of`` and ``descendent-leaf``."""
