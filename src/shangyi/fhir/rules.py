"""Invariants as compiled rules: what validation asks for, and the walk that tests them on a sound resource."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shangyi.fhir import definitions

Resource = dict[str, Any]
NATIVE = frozenset({"ele-1", "ref-1", "txt-1", "txt-2", "dom-2"})
"""Rules that validation tests by itself, because they are structure."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled invariant. ``test(node, resource, root)``: True where it holds; severity error or warning.

    ``node`` is the value at the path (an item of it where it repeats), ``resource`` the nearest resource around
    it, ``root`` the outermost.
    """

    key: str
    severity: str
    human: str
    test: Callable[[Any, Resource, Resource], bool]


RuleProvider = Callable[[str], Sequence[Rule]]
"""The rules stated for a type or an element path: ``Patient``, ``Patient.contact``, ``Organization.telecom``.

It is asked once for each path; validation asks for the ancestors of a type too.
"""


def rules_of(type_name: str, rules: RuleProvider) -> tuple[Rule, ...]:
    """The rules of a type and of its ancestors, without those that validation tests by itself."""
    names = (type_name, *definitions.ancestors(type_name))
    return tuple(rule for name in names for rule in rules(name) if rule.key not in NATIVE)


def rules_at(path: str, type_name: str, rules: RuleProvider) -> tuple[Rule, ...]:
    """The rules of an element (``Organization.telecom``); those of a backbone element are its type's."""
    return () if path == type_name else tuple(rule for rule in rules(path) if rule.key not in NATIVE)


def holds(resource: Resource, rules: RuleProvider) -> bool:
    """Whether every rule holds on a resource whose structure is sound."""
    return _compiled(rules).resource(resource)


@lru_cache(maxsize=8)
def _compiled(rules: RuleProvider) -> "_Compiled":
    return _Compiled(rules)


Test = Callable[[Any, Resource, Resource], bool]


class _Node:
    """What to test at a type, and where to go on: by JSON name the item's own tests and its type."""

    __slots__ = ("children", "is_resource", "tests")

    def __init__(self, tests: tuple[Test, ...], is_resource: bool) -> None:
        self.tests, self.is_resource = tests, is_resource
        self.children: dict[str, tuple[tuple[Test, ...], str | None]] = {}


class _Compiled:
    def __init__(self, rules: RuleProvider) -> None:
        self.rules = rules
        self.nodes: dict[str, _Node] = {}

    def node(self, name: str) -> _Node:
        structure = definitions.structure(name)
        tests = tuple(rule.test for rule in rules_of(name, self.rules))
        node = _Node(tests, structure.kind == "resource")
        for element in structure.elements:
            for json, type_name in element.properties:
                own = tuple(r.test for r in rules_at(f"{name}.{element.name}", type_name, self.rules))
                below = None if definitions.is_primitive(type_name) else type_name
                if own or below:
                    node.children[json] = (own, below)
        self.nodes[name] = node
        return node

    def resource(self, value: Resource) -> bool:
        return self.visit(value, value["resourceType"], value, value)

    def visit(self, value: Resource, name: str, resource: Resource, root: Resource) -> bool:
        node = self.nodes.get(name) or self.node(name)
        for test in node.tests:
            if not test(value, resource, root):
                return False
        get = node.children.get
        for key, item in value.items():
            child = get(key)
            if child is None:
                continue
            tests, below = child
            for one in item if type(item) is list else (item,):
                for test in tests:
                    if not test(one, resource, root):
                        return False
                if below is None:
                    continue
                if below == "Resource":
                    if not self.resource(one):
                        return False
                elif not self.visit(one, below, resource, root):
                    return False
        return True
