"""The quick answer of validation: sound or perhaps not. It never lists problems; ``validation`` does.

Every type becomes one closure over a table from JSON name to check, built at first use. ``True`` means that
``validation`` would find nothing; ``False`` means that it has to look: something is wrong, or rare enough to be
left to it (contained resources, extensions of primitives).
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from shangyi.fhir import definitions, narrative
from shangyi.fhir.definitions import Element
from shangyi.fhir.primitives import CHECKS, LONGEST_STRING

Check = Callable[[Any], bool]
LEFT_TO_THE_FULL_WALK = frozenset({"contained"})
REMEMBERED = 4096
REMEMBER_UP_TO = 128


def sound(resource: Any) -> bool:
    """Whether a resource is free of problems of structure, format, required code and reference target."""
    try:
        return _resource(resource)
    except RecursionError:
        return False


def _resource(value: Any) -> bool:
    if type(value) is not dict:
        return False
    name = value.get("resourceType")
    return type(name) is str and definitions.is_resource_type(name) and complex_check(name)(value)


@cache
def complex_check(name: str) -> Check:
    """The check of a complex type, a backbone or a resource type."""
    structure = definitions.structure(name)
    is_resource = structure.kind == "resource"
    if is_resource and structure.abstract:
        return _resource
    table: dict[str, Check] = {"resourceType": _always} if is_resource else {}
    required: list[tuple[str, ...]] = []
    choices: list[tuple[str, ...]] = []
    for element in structure.elements:
        names = tuple(json for json, _ in element.properties)
        if element.min:
            required.append(names)
        if element.choice:
            choices.append(names)
        if element.name not in LEFT_TO_THE_FULL_WALK:
            table.update({json: _Late(table, json, element, type_) for json, type_ in element.properties})
    return _object(
        table, tuple(n[0] for n in required if len(n) == 1), [n for n in required if len(n) > 1], choices
    )


class _Late:
    """Stands in a table until its element is met first: most elements of most types never are."""

    def __init__(self, table: dict[str, Check], json: str, element: Element, type_: str) -> None:
        self.table, self.json, self.element, self.type = table, json, element, type_

    def __call__(self, value: Any) -> bool:
        check = self.table[self.json] = element_check(self.element, self.type)
        return check(value)


def _object(
    table: Mapping[str, Check],
    required: tuple[str, ...],
    required_choices: list[tuple[str, ...]],
    choices: list[tuple[str, ...]],
) -> Check:
    get = table.get
    choice_of = {name: names[0] for names in choices for name in names}

    def members(value: Any) -> bool:
        if type(value) is not dict or not value:
            return False
        for name, item in value.items():
            check = get(name)
            if check is None or not check(item):
                return False
        for name in required:  # noqa: SIM110
            if name not in value:
                return False
        return True

    def with_choices(value: Any) -> bool:
        if not members(value):
            return False
        met = choice_of.keys() & value.keys()
        if len(met) > 1 and len({choice_of[name] for name in met}) != len(met):
            return False
        return not required_choices or all(not met.isdisjoint(names) for names in required_choices)

    return with_choices if choices else members


def _always(value: Any) -> bool:
    return True


def element_check(element: Element, type_name: str) -> Check:
    """The check of one element with its binding and targets, over an array where it repeats."""
    one = _one(element, type_name)
    if not element.many:
        return one
    most = element.max

    def many(value: Any) -> bool:
        if type(value) is not list or not value or (most and len(value) > most):
            return False
        for item in value:  # noqa: SIM110 — a loop is twice as fast as all() over a generator
            if not one(item):
                return False
        return True

    return many


def _one(element: Element, type_name: str) -> Check:
    value_set = element.required_value_set
    codes = definitions.codes(value_set) if value_set else None
    if type_name in CHECKS:
        if codes is not None:
            listed = frozenset().union(*codes.values())
            return lambda value: type(value) is str and value in listed
        return _primitive(type_name)
    check = complex_check(type_name)
    if type_name == "Reference":
        return _reference(check, frozenset(element.targets))
    if codes is not None and type_name in ("CodeableConcept", "Coding"):
        return _coded(check, codes, type_name)
    return check


@cache
def _primitive(type_name: str) -> Check:
    if type_name in ("string", "markdown"):
        return _string(CHECKS[type_name])
    if type_name == "xhtml":
        return lambda value: type(value) is str and narrative.problem(value) is None
    if type_name in ("boolean", "integer", "positiveInt", "unsignedInt", "decimal", "base64Binary"):
        return CHECKS[type_name]
    return _remembering(CHECKS[type_name])


def _string(full: Check) -> Check:
    def string(value: Any) -> bool:
        if type(value) is str and value and value.isprintable() and len(value) <= LONGEST_STRING:
            return not value.isspace()
        return full(value)

    return string


def _remembering(full: Check) -> Check:
    """Codes, dates and URIs come again and again: a set lookup instead of a pattern."""
    seen: set[str] = set()

    def check(value: Any) -> bool:
        if type(value) is not str:
            return False
        if value in seen:
            return True
        if not full(value):
            return False
        if len(value) <= REMEMBER_UP_TO:
            if len(seen) >= REMEMBERED:
                seen.clear()
            seen.add(value)
        return True

    return check


def _reference(members: Check, targets: frozenset[str]) -> Check:
    def reference(value: Any) -> bool:
        if not members(value):
            return False
        target = value.get("reference")
        if type(target) is not str:
            return not targets or value.get("type") is None or value["type"] in targets
        if target[0] == "#":
            return False
        return not targets or target[: target.find("/")] in targets or target.startswith("urn:uuid:")

    return reference


def _coded(members: Check, codes: Mapping[str, frozenset[str]], type_name: str) -> Check:
    def coded(value: Any) -> bool:
        if not members(value):
            return False
        for coding in value.get("coding", ()) if type_name == "CodeableConcept" else (value,):
            if coding.get("code") in codes.get(coding.get("system") or "", ()):
                return True
        return False

    return coded
