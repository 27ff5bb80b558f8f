"""Invariants as compiled rules: what validation asks for, and the walk that tests them on a sound resource.

What is to be tested on an object is planned once for each *shape*, the tuple of its member names: many rules are
decided by the shape alone (``value.empty() or system.exists()``), and members below which nothing can be tested are
not visited. Anything may have an extension, which has a rule; most resources have none, and then few members are left.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from shangyi.fhir import definitions

Resource = dict[str, Any]
Test = Callable[[Any, Resource, Resource], bool]
NATIVE = frozenset({"ele-1", "ref-1", "txt-1", "txt-2", "dom-2"})
"""Rules that validation tests by itself, because they are structure."""
SHAPES = 8192
"""Plans that are kept; resources have a few hundred."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled invariant. ``test(node, resource, root)``: True where it holds; severity error or warning.

    ``node`` is the value at the path (an item of it where it repeats), ``resource`` the nearest resource around
    it, ``root`` the outermost. ``human``: its sentence, a template without fields. ``decide``: the answer for an object that has these elements and no others, None where
    it must be tested.
    """

    key: str
    severity: str
    human: str
    test: Test
    decide: Callable[[Set[str]], bool | None] | None = None


RuleProvider = Callable[[str, str], Sequence[Rule]]
"""The rules stated for a type or an element path, and the type of the value there: ``("Patient", "Patient")``,
``("Organization.telecom", "ContactPoint")``. Validation asks for the ancestors of a type too.
"""


@cache
def rules_of(type_name: str, rules: RuleProvider) -> tuple[Rule, ...]:
    """The rules of a type and of its ancestors, without those that validation tests by itself."""
    names = (type_name, *definitions.ancestors(type_name))
    return tuple(rule for name in names for rule in rules(name, type_name) if rule.key not in NATIVE)


@cache
def rules_at(path: str, type_name: str, rules: RuleProvider) -> tuple[Rule, ...]:
    """The rules of an element (``Organization.telecom``); those of a backbone element are its type's."""
    if path == type_name:
        return ()
    return tuple(rule for rule in rules(path, type_name) if rule.key not in NATIVE)


def holds(resource: Resource, rules: RuleProvider, extended: bool = True) -> bool:
    """Whether every rule holds on a resource whose structure is sound. ``extended``: it may have extensions."""
    return _compiled(rules, extended).resource(resource, resource)


@lru_cache(maxsize=8)
def _compiled(rules: RuleProvider, extended: bool) -> "_Compiled":
    return _Compiled(rules, extended)


class _Child(NamedTuple):
    """A member to visit: its plans where it is an object (None: a resource of any type), else tests of its value."""

    key: str
    kind: "_Kind | None"
    tests: tuple[Test, ...]


class _Plan(NamedTuple):
    tests: tuple[Test, ...]
    children: tuple[_Child, ...]


class _Kind:
    """A type at a path: its rules, and the plan of each shape. ``leads``: the names under which there can be something
    to test; None where the type itself has rules.
    """

    __slots__ = ("leads", "plans", "rules", "structure")

    def __init__(self, structure: definitions.Structure, rules: tuple[Rule, ...]) -> None:
        self.structure, self.rules = structure, rules
        self.plans: dict[tuple[str, ...], _Plan | None] = {}
        self.leads: frozenset[str] | None = None


class _Compiled:
    def __init__(self, rules: RuleProvider, extended: bool) -> None:
        self.rules, self.extended = rules, extended
        self.kinds: dict[tuple[str, str], _Kind] = {}
        self.resources: dict[str, _Kind] = {}
        self.shapes = 0

    def kind(self, name: str, path: str) -> _Kind:
        found = self.kinds.get((name, path))
        if found is None:
            rules = rules_of(name, self.rules) + rules_at(path, name, self.rules)
            found = self.kinds[name, path] = _Kind(definitions.structure(name), rules)
        return found

    def resource(self, value: Resource, root: Resource) -> bool:
        name = value["resourceType"]
        kind = self.resources.get(name)
        if kind is None:
            kind = self.resources[name] = self.kind(name, name)
        return self.visit(value, kind, value, root)

    def visit(self, value: Resource, kind: _Kind, resource: Resource, root: Resource) -> bool:
        shape = tuple(value)
        try:
            plan = kind.plans[shape]
        except KeyError:
            plan = self.plan(kind, shape)
        if plan is None:
            return True
        for test in plan.tests:
            if not test(value, resource, root):
                return False
        for key, below, tests in plan.children:
            item = value[key]
            for one in item if type(item) is list else (item,):
                if tests:
                    for test in tests:
                        if not test(one, resource, root):
                            return False
                elif one is None:
                    continue
                elif below is None:
                    if not self.resource(one, root):
                        return False
                elif below.leads is not None and below.leads.isdisjoint(one):
                    continue
                elif not self.visit(one, below, resource, root):
                    return False
        return True

    def plan(self, kind: _Kind, shape: tuple[str, ...]) -> _Plan | None:
        """What to do on objects of this shape; None where that is nothing."""
        if self.shapes >= SHAPES:
            for known in list(self.kinds.values()):  # other threads may be adding
                known.plans.clear()
            self.shapes = 0
        properties = kind.structure.properties
        present = {properties[p][0].name for key in shape if (p := key.removeprefix("_")) in properties}
        tests: list[Test] = []
        for rule in kind.rules:
            answer = rule.decide(present) if rule.decide is not None else None
            if answer is False:
                tests = [_fails]
                break
            if answer is None:
                tests.append(rule.test)
        children = tuple(child for key in shape if (child := self.child(kind, key)) is not None)
        for child in children:
            if child.kind is not None and child.kind.leads is None and not child.kind.rules:
                child.kind.leads = self.leads(child.kind)
        made = _Plan(tuple(tests), children) if tests or children else None
        self.shapes += 1
        kind.plans[shape] = made
        return made

    def leads(self, kind: _Kind) -> frozenset[str]:
        """The names of members of a type below which there can be something to test."""
        names = kind.structure.properties
        return frozenset(key for n in names for key in (n, "_" + n) if self.child(kind, key) is not None)

    def child(self, kind: _Kind, key: str) -> _Child | None:
        """How to go on below a member; None where nothing below can be tested."""
        plain = key.removeprefix("_")
        found = kind.structure.properties.get(plain)
        if found is None:
            return None
        element, name = found
        if plain != key:
            name, path = "Element", "Element"
            if not definitions.is_primitive(found[1]):
                return None
        else:
            path = f"{kind.structure.name}.{element.name}"
        if definitions.is_primitive(name):
            own = rules_at(path, name, self.rules)
            return _Child(key, None, tuple(rule.test for rule in own)) if own else None
        if name == "Resource":
            return _Child(key, None, ())
        below = self.kind(name, path)
        return _Child(key, below, ()) if self.testable(below, set()) else None

    def testable(self, kind: _Kind, above: set[str]) -> bool:
        """Whether there can be a rule to test on a type or anywhere below it, but for the types that are above it."""
        name = kind.structure.name
        if name == "Extension" and not self.extended:
            return False
        if kind.rules:
            return True
        if name in above:
            return False
        above.add(name)
        for element, type_name in kind.structure.properties.values():
            path = f"{name}.{element.name}"
            if definitions.is_primitive(type_name):
                if self.extended or rules_at(path, type_name, self.rules):
                    return True
            elif type_name == "Resource" or self.testable(self.kind(type_name, path), above):
                return True
        return False


def _fails(value: Any, resource: Resource, root: Resource) -> bool:
    return False
