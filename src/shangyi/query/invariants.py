"""The invariants of FHIR R4 as rules for ``fhir.validation``: all of them, or only those that refuse a write."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from shangyi.fhir import definitions, json
from shangyi.fhir.definitions import Invariant
from shangyi.fhir.rules import Resource, Rule, Test
from shangyi.query import presence, typed
from shangyi.query.direct import compile_test
from shangyi.query.errata import ERRATA
from shangyi.query.parser import parse
from shangyi.query.resolve import resolve
from shangyi.query.types import ItemType, Type, one


def every(path: str, type_name: str) -> Sequence[Rule]:
    """All rules stated at a path: errors, warnings and best practices."""
    return _stated(path, type_name if "." in path else path)


@cache
def _stated(path: str, type_name: str) -> tuple[Rule, ...]:
    """Compiled once for a type and all that specialise it, or for an element and each of its types."""
    stated = definitions.invariants(path) or definitions.invariants(f"{path}[x]")
    return tuple(rule for invariant in stated if (rule := _rule(path, invariant, type_name)) is not None)


@cache
def errors(path: str, type_name: str) -> Sequence[Rule]:
    """The rules that a resource must not break."""
    return tuple(rule for rule in every(path, type_name) if rule.severity == "error")


def _rule(path: str, invariant: Invariant, type_name: str) -> Rule | None:
    stated = expression(path, invariant)
    if stated is None:
        return None
    item, tree = compiled(path, stated, type_name)
    test = compile_test(tree, item, stated, direct=_choice(path) is None)
    if invariant.key in _SHORTCUTS:
        test = _shortcut(_SHORTCUTS[invariant.key], test)
    human = invariant.human.replace("{", "{{").replace("}", "}}")
    return Rule(invariant.key, invariant.severity, human, test, partial(presence.decide, tree))


def expression(path: str, invariant: Invariant) -> str | None:
    """What is tested for an invariant: its own expression, or that of an erratum; None where nothing can be."""
    erratum = ERRATA.get((path, invariant.key))
    return invariant.expression if erratum is None else erratum.expression


def compiled(path: str, text: str, type_name: str) -> tuple[ItemType, typed.Node]:
    """The type that an expression is for, and its tree."""
    item = ItemType("FHIR", type_name if "." in path else path)
    return item, resolve(parse(text), _choice(path) or one(item), text=text)


def _choice(path: str) -> Type | None:
    """The types of a choice element where a rule is stated: it may speak of elements that only some of them have."""
    owner, _, name = path.rpartition(".")
    element = definitions.structure(owner).by_name.get(name) if owner else None
    if element is None or not element.choice:
        return None
    return Type(tuple(ItemType("FHIR", type_) for type_ in element.types), 1, 1)


def _shortcut(certain: Test, test: Test) -> Test:
    return lambda node, resource, root: certain(node, resource, root) or test(node, resource, root)


def _all_contained_are_referenced(node: Any, resource: Resource, root: Resource) -> bool:
    """Whether a Reference to each contained resource stands somewhere: then dom-3 holds.

    Found in the bytes, because in JSON only a member can read ``"reference":"#id"``: quotes within a text are escaped.
    The rule itself also looks at canonicals and at references from the contained resource back, element by element.
    """
    raw = json.dumps(node)
    for contained in node.get("contained", ()):
        if b'"reference":"#%b"' % str(contained.get("id")).encode() not in raw:
            return False
    return True


_SHORTCUTS: dict[str, Test] = {"dom-3": _all_contained_are_referenced}
"""Quick tests that only ever say yes where the rule does."""
