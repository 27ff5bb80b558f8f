"""The quick answer of validation: sound or perhaps not. It never lists problems; ``validation`` does.

``True`` means that ``validation`` would find nothing; ``False`` means that it has to look: something is wrong, or
rare enough to be left to it (siblings of repeating primitives). What makes it quick:

- A *shape* is the tuple of an object's member names. Names, cardinality and choices are judged once a shape, which
  then has the checks of its members in their order, and before long code of its own (``shapes``).
- Codes, dates and URIs that were found sound are remembered, and so are whole concepts, by their bytes.
"""

import threading
from collections.abc import Mapping
from functools import cache, lru_cache, partial
from typing import Any

import msgspec

from shangyi.fhir import definitions, narrative, shapes
from shangyi.fhir.definitions import Element
from shangyi.fhir.primitives import CHECKS, LONGEST_STRING
from shangyi.fhir.shapes import Check

REMEMBERED, REMEMBER_UP_TO = 8192, 128
"""Values of a primitive type that are kept, and the longest of them."""
SHAPES = 512
"""Shapes that are kept of each type; resources have a few of most, some dozens of the commonest."""
CONCEPTS, LONGEST_CONCEPT_BYTES = 16384, 1024
CONCEPT_TYPES = ("CodeableConcept", "Coding")
MEMORIES: list[set[str] | set[bytes]] = []
"""All that is remembered of values; a benchmark forgets it."""
_encode = msgspec.json.Encoder(decimal_format="number").encode


class _Around(threading.local):
    """``ids``: of the contained resources of the resource that is being looked at; ``extended``: an extension was met."""

    ids: frozenset[Any] = frozenset()
    extended: bool = False


_around = _Around()


def sound(resource: Any) -> bool:
    """Whether a resource is free of problems of structure, format, required code and reference target."""
    _around.extended = False
    try:
        return bool(_resource(resource))
    except (RecursionError, TypeError, UnicodeError):
        return False


def extended() -> bool:
    """Whether the resource that ``sound`` found sound last, in this thread, has an extension anywhere."""
    return _around.extended


def _resource(value: Any) -> Any:
    """A resource that is not contained: its references ``#id`` are to what it contains itself."""
    if type(value) is not dict:
        return False
    check = _resource_check(value["resourceType"]) if "resourceType" in value else None
    if check is None:
        return False
    outer = _around.ids
    contained = value.get("contained")
    if contained is None and not outer:
        return check(value)
    _around.ids = frozenset(item.get("id") for item in contained or () if type(item) is dict)
    try:
        return check(value)
    finally:
        _around.ids = outer


def _contained(value: Any) -> Any:
    if type(value) is not dict or "contained" in value or "resourceType" not in value:
        return False
    check = _resource_check(value["resourceType"])
    return check is not None and check(value)


@lru_cache(maxsize=1024)
def _resource_check(name: Any) -> Check | None:
    return complex_check(name) if type(name) is str and definitions.is_resource_type(name) else None


@cache
def complex_check(name: str) -> Check:
    """The check of a complex type, a backbone or a resource type."""
    structure = definitions.structure(name)
    if structure.kind == "resource" and structure.abstract:
        return _resource
    known: dict[tuple[str, ...], Check] = {}

    def members(value: Any) -> Any:
        if type(value) is not dict:
            return False
        shape = tuple(value)
        judge = known.get(shape)
        if judge is None:
            checks = _shape_checks(name, shape)
            if checks is None:
                return False
            if len(known) >= SHAPES:
                known.clear()
            judge = known[shape] = shapes.judge(checks, partial(known.__setitem__, shape))
        return judge(value)

    if name == "Extension":
        return _noting_extensions(members)
    return shapes.ask(members, shapes.SHAPED, known.get)


def _noting_extensions(members: Check) -> Check:
    def extension(value: Any) -> Any:
        _around.extended = True
        return members(value)

    return extension


def _shape_checks(name: str, shape: tuple[str, ...]) -> tuple[Check, ...] | None:
    """A check for each member; None for a shape that is not sound."""
    structure = definitions.structure(name)
    properties = structure.properties
    checks: list[Check] = []
    filled: dict[str, str] = {}
    for member in shape:
        if member == "resourceType" and structure.kind == "resource":
            checks.append(_always)  # it has chosen this type
            continue
        plain = member.removeprefix("_")
        element, type_ = properties.get(plain, (None, ""))
        if element is None or (plain != member and (element.many or type_ not in CHECKS)):
            return None
        if filled.setdefault(element.name, plain) != plain:
            return None
        checks.append(_member(name, member, plain))
    if not checks or any(element.min and element.name not in filled for element in structure.elements):
        return None
    return tuple(checks)


@cache
def _member(name: str, member: str, plain: str) -> Check:
    if plain != member:
        return complex_check("Element")
    return element_check(*definitions.structure(name).properties[plain])


def _always(value: Any) -> bool:
    return True


shapes.ask(_always, shapes.NOTHING)


def element_check(element: Element, type_name: str) -> Check:
    """The check of one element with its binding and targets, over an array where it repeats."""
    one = _contained if element.name == "contained" else _one(element, type_name)
    return shapes.each(one, element.max) if element.many else one


def _one(element: Element, type_name: str) -> Check:
    value_set = element.required_value_set
    codes = definitions.codes(value_set) if value_set else None
    if type_name in CHECKS:
        if codes is not None:
            every = frozenset().union(*codes.values())
            return shapes.ask(every.__contains__, shapes.KNOWN, every)
        return _primitive(type_name)
    check = complex_check(type_name)
    if type_name == "Reference":
        return _reference(check, frozenset(element.targets))
    if type_name in CONCEPT_TYPES:
        return _concept(type_name) if codes is None else _remembering_bytes(_coded(check, codes, type_name))
    return check


@cache
def _concept(type_name: str) -> Check:
    return _remembering_bytes(complex_check(type_name))


@cache
def _primitive(type_name: str) -> Check:
    if type_name in ("string", "markdown"):
        return shapes.ask(CHECKS[type_name], shapes.TEXT, LONGEST_STRING)
    if type_name == "xhtml":
        return lambda value: type(value) is str and narrative.problem(value) is None
    if type_name == "boolean":
        return shapes.ask(CHECKS[type_name], shapes.BOOLEAN)
    if type_name in ("integer", "positiveInt", "unsignedInt", "decimal", "base64Binary"):
        return CHECKS[type_name]
    return _remembering(CHECKS[type_name])


def _remembering(full: Check) -> Check:
    """Codes, dates and URIs come again and again: a set lookup instead of a pattern. Only texts are remembered."""
    seen: set[str] = set()
    MEMORIES.append(seen)

    def check(value: Any) -> bool:
        if type(value) is not str or not full(value):
            return False
        if len(value) <= REMEMBER_UP_TO:
            if len(seen) >= REMEMBERED:
                seen.clear()
            seen.add(value)
        return True

    return shapes.ask(check, shapes.KNOWN, seen)


def _remembering_bytes(full: Check) -> Check:
    """Concepts come again and again: a look at their bytes instead of at each member.

    Equal bytes are equal JSON. An extension may hold a reference, which is sound or not by what stands around it.
    """
    seen: set[bytes] = set()
    MEMORIES.append(seen)

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return False
        data = _encode(value)
        if data in seen:
            return True
        if not full(value):
            return False
        if len(data) <= LONGEST_CONCEPT_BYTES and b'"extension"' not in data:
            if len(seen) >= CONCEPTS:
                seen.clear()
            seen.add(data)
        return True

    return check


def _reference(members: Check, targets: frozenset[str]) -> Check:
    string = _primitive("string")

    def reference(value: Any) -> Any:
        if type(value) is not dict:
            return False
        target = value.get("reference")
        if len(value) == 1 and target is not None:  # nearly all of them
            if not (
                (target >= "!" and target.isprintable() and len(target) <= LONGEST_STRING) or string(target)
            ):
                return False
        elif not members(value):
            return False
        elif target is None:
            return not targets or value.get("type") is None or value["type"] in targets
        if target[0] == "#":
            return len(target) == 1 or target[1:] in _around.ids
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
