"""Search-parameter expressions as one tree of elements for a type, walked once over a resource.

The expressions are read and typed by ``query``, which gives the places in JSON that they lead to (``query.places``).
Evaluated one by one they would read a resource as often as its type has parameters; merged into one tree, only
elements that are present cost anything. What is more than a path raises ``NotSupported``, and a test holds the list of
R4 parameters that are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shangyi.query.parser import parse
from shangyi.query.places import head, places, union
from shangyi.query.printer import write

Emit = Callable[[Any, Any], None]
SHAPES = 512
"""Shapes that an element keeps plans of."""


class Path(NamedTuple):
    """One alternative of an expression, resolved against the definitions.

    ``steps``: JSON names, ``("name",)``, with filters ``("where", key, value)`` and ``("index", n)`` between.
    ``types``: the FHIR type of the last element. ``text``: canonical spelling, the name that hashes carry: several
    parameters over the same element share it. ``target``: the only resource type that a reference may point to.
    """

    steps: tuple[tuple[str, ...], ...]
    type: str
    text: str
    target: str | None = None


def alternatives(expression: str) -> list[str]:
    """The members of the union."""
    return [write(node) for node in union(parse(expression))]


def paths(type: str, expression: str, root: str | None = None) -> list[Path]:
    """The alternatives of ``expression`` that apply to a resource ``type``, one for each concrete element type.

    ``root``: where the path starts (a backbone path); then the expression has no type in front.
    """
    found: list[Path] = []
    for node in union(parse(expression)):
        first = head(node)
        if root is None and first[:1].isupper() and first not in ("Resource", "DomainResource", type):
            continue  # another type's
        found += [
            Path(place.steps, place.type.name, _spell(place.steps), place.target)
            for place in places(node, root or type, expression)
        ]
    return list(dict.fromkeys(found))


def _spell(steps: tuple[tuple[str, ...], ...]) -> str:
    spelled = ""
    for step in steps:
        if step[0] == "where" and len(step) == 3:
            spelled += f"[{step[1]}={step[2]}]"
        elif step[0] == "index" and len(step) == 2:
            spelled += f"[{step[1]}]"
        else:
            spelled += f".{step[0]}" if spelled else step[0]
    return spelled


@dataclass(slots=True)
class Node:
    """An element of the tree: what to do with its values, and its children by JSON name."""

    children: dict[str, "Node"] = field(default_factory=dict)
    filtered: list[tuple[str, str, "Node"]] = field(default_factory=list)
    indexed: dict[int, "Node"] = field(default_factory=dict)
    emits: list[Emit] = field(default_factory=list)
    plans: dict[tuple[str, ...], tuple["_Step", ...]] = field(default_factory=dict)
    """For each *shape* of an object, the tuple of its member names: the members that the tree knows."""

    def add(self, steps: tuple[tuple[str, ...], ...], emit: Emit) -> None:
        """Call ``emit(value, out)`` for every value at ``steps`` below this element."""
        node = self
        for step in steps:
            node = node._child(step)
        node.emits.append(emit)

    def _child(self, step: tuple[str, ...]) -> "Node":
        if len(step) == 1:
            return self.children.setdefault(step[0], Node())
        if len(step) == 2:
            return self.indexed.setdefault(int(step[1]), Node())
        for key, value, node in self.filtered:
            if (key, value) == step[1:]:
                return node
        node = Node()
        self.filtered.append((step[1], step[2], node))
        return node

    def walk(self, value: dict[str, Any], out: Any) -> None:
        """Visit everything below ``value`` that the tree knows; all of it has been added before."""
        shape = tuple(value)
        plan = self.plans.get(shape)
        if plan is None:
            plan = self._plan(shape)
        for name, emits, deeper in plan:
            inner = value[name]
            if type(inner) is not list:
                for emit in emits:
                    emit(inner, out)
                if deeper is not None:
                    deeper.below(inner, out)
            elif deeper is None:
                for item in inner:
                    if item is not None:
                        for emit in emits:
                            emit(item, out)
            else:
                deeper.each(inner, out)

    def _plan(self, shape: tuple[str, ...]) -> tuple["_Step", ...]:
        if len(self.plans) >= SHAPES:
            self.plans.clear()
        known = [(name, self.children[name]) for name in shape if name in self.children]
        plan = tuple(_Step(name, tuple(node.emits), node if node._deep else None) for name, node in known)
        self.plans[shape] = plan
        return plan

    @property
    def _deep(self) -> bool:
        return bool(self.children or self.filtered or self.indexed)

    def each(self, items: list[Any], out: Any) -> None:
        """Visit the values of this element where it repeats."""
        for position, item in enumerate(items):
            if item is not None:
                self.visit(item, out)
                if position in self.indexed:
                    self.indexed[position].visit(item, out)

    def visit(self, value: Any, out: Any) -> None:
        """Emit for one value of this element and go below it."""
        for emit in self.emits:
            emit(value, out)
        self.below(value, out)

    def below(self, value: Any, out: Any) -> None:
        """Go below one value of this element."""
        if type(value) is dict:
            if self.children:
                self.walk(value, out)
            for key, wanted, node in self.filtered:
                if value.get(key) == wanted:
                    node.visit(value, out)


class _Step(NamedTuple):
    """A member that the tree knows: what to do with its values; its node, where that leads deeper."""

    name: str
    emits: tuple[Emit, ...]
    deeper: Node | None


def values(path: Path, resource: dict[str, Any]) -> Iterator[Any]:
    """The values at one path, in order: for what is not indexed (rechecks, composites)."""
    current: list[Any] = [resource]
    for step in path.steps:
        if len(step) == 3:
            current = [item for item in current if isinstance(item, dict) and item.get(step[1]) == step[2]]
            continue
        if len(step) == 2:
            current = current[int(step[1]) : int(step[1]) + 1]
            continue
        found: list[Any] = []
        for item in current:
            inner = item.get(step[0]) if isinstance(item, dict) else None
            found += inner if isinstance(inner, list) else [] if inner is None else [inner]
        current = [item for item in found if item is not None]
    return iter(current)
