"""Paths: the objects or the primitive values that they lead to, and whether there are any."""

from collections.abc import Callable, Sequence
from typing import Any

from shangyi.query import typed
from shangyi.query.direct.base import (
    COMPLEX,
    Indirect,
    Resource,
    Truth,
    Unsupported,
    Value,
    Values,
    form_of,
    forms_of,
    is_resource,
    is_this,
    keys_of,
    kind_of,
)
from shangyi.query.model import FHIR

Criterion = Callable[[typed.Node, typed.Node], Truth]
"""Compiles the criterion of a call for the items of its source."""
_TRANSPARENT = frozenset({"trace"})


class Paths:
    """Compiles paths; ``criterion`` compiles what stands in ``where()``."""

    def __init__(self, criterion: Criterion) -> None:
        self.criterion = criterion

    def objects(self, node: typed.Node) -> Values:
        """The objects that a node of a complex type gives."""
        if kind_of(node) != COMPLEX:
            raise Unsupported
        if is_this(node):
            return lambda this, resource, root: (this,)
        if is_resource(node):
            return lambda this, resource, root: (resource,)
        match node:
            case typed.Field():
                return self._members(node)
            case typed.Call(function="where"):
                source, test = self.objects(node.source), self.criterion(node.arguments[0], node.source)
                return lambda this, resource, root: [
                    x for x in source(this, resource, root) if test(x, resource, root) is True
                ]
            case typed.Call(function="first"):
                source = self.objects(node.source)
                return lambda this, resource, root: source(this, resource, root)[:1]
            case typed.Call(function="tail"):
                source = self.objects(node.source)
                return lambda this, resource, root: source(this, resource, root)[1:]
            case typed.Call() if node.function in _TRANSPARENT:
                return self.objects(node.source)
        raise Unsupported

    def _members(self, node: typed.Field) -> Values:
        form = form_of(node)
        key, many = form.key, form.many
        if is_this(node.source):
            if many:
                return lambda this, resource, root: this.get(key) or ()
            return lambda this, resource, root: (this[key],) if key in this else ()
        source = self.objects(node.source)
        if many:
            return lambda this, resource, root: [
                y for x in source(this, resource, root) for y in x.get(key) or ()
            ]
        return lambda this, resource, root: [x[key] for x in source(this, resource, root) if key in x]

    def values(self, node: typed.Node) -> Values:
        """The values of a node of a primitive type."""
        if kind_of(node) == COMPLEX:
            raise Unsupported
        match node:
            case typed.Field():
                return self._primitives(node)
            case typed.Call(function="select"):
                source, inner = self.objects(node.source), self.values(node.arguments[0])
                return lambda this, resource, root: [
                    y for x in source(this, resource, root) for y in inner(x, resource, root)
                ]
            case typed.Call() if node.function in _TRANSPARENT:
                return self.values(node.source)
        raise Unsupported

    def _primitives(self, node: typed.Field) -> Values:
        form = form_of(node)
        key, beside, many = form.key, "_" + form.key, form.many
        source = self.objects(node.source)

        def values(this: Any, resource: Resource, root: Resource) -> Sequence[Any]:
            found: list[Any] = []
            for x in source(this, resource, root):
                if beside in x:
                    raise Indirect
                value = x.get(key)
                if value is not None:
                    found += value if many else (value,)
            return found

        return values

    def value(self, node: typed.Node) -> Value:
        """The one primitive value of a node that has at most one, None where there is none."""
        if isinstance(node, typed.Constant):
            constant = node.value
            return lambda this, resource, root: constant
        if kind_of(node) == COMPLEX or not node.type.single:
            raise Unsupported
        if is_this(node):
            return _itself
        if isinstance(node, typed.Call) and node.function in _TRANSPARENT:
            return self.value(node.source)
        if not isinstance(node, typed.Field):
            raise Unsupported
        form = form_of(node)
        key, beside = form.key, "_" + form.key

        def read(x: Any) -> Any:
            value = x.get(key)
            if value is None and beside in x:
                raise Indirect
            return value

        if is_this(node.source):
            return lambda this, resource, root: read(this)
        if is_resource(node.source):
            return lambda this, resource, root: read(resource)
        source = self.objects(node.source)

        def through(this: Any, resource: Resource, root: Resource) -> Any:
            for x in source(this, resource, root):
                return read(x)
            return None

        return through

    def present(self, node: typed.Node) -> Truth:
        """Whether a node gives anything."""
        if is_this(node) or is_resource(node):
            return lambda this, resource, root: True
        match node:
            case typed.Field():
                return self._there(node.source, keys_of(forms_of(node)))
            case typed.TypeOperation(operator="ofType" | "as", source=typed.Field() as field) if (
                node.operator == "ofType" or field.type.single
            ):
                kept = [
                    f
                    for f in forms_of(field)
                    if f.type == node.target or node.target in FHIR.ancestors(f.type)
                ]
                if not kept or (
                    kind_of(node) == COMPLEX and any(FHIR.subtypes(f.type) for f in forms_of(field))
                ):
                    raise Unsupported
                return self._there(field.source, keys_of(kept))
            case typed.Operation(operator="|"):
                left, right = self.present(node.left), self.present(node.right)
                return lambda this, resource, root: left(this, resource, root) or right(this, resource, root)
            case typed.Call() if node.function in ("first", "distinct", *_TRANSPARENT):
                return self.present(node.source)
        objects = self.objects(node)
        return lambda this, resource, root: bool(objects(this, resource, root))

    def _there(self, source: typed.Node, keys: frozenset[str]) -> Truth:
        """Whether an object of ``source`` has one of these names."""
        if is_this(source):
            if len(keys) == 1:
                (key,) = keys
                return lambda this, resource, root: key in this
            if len(keys) == 2:
                first, second = sorted(keys, reverse=True)
                return lambda this, resource, root: first in this or second in this
            return lambda this, resource, root: not keys.isdisjoint(this)
        if is_resource(source):
            return lambda this, resource, root: not keys.isdisjoint(resource)
        objects = self.objects(source)

        def any_has(this: Any, resource: Resource, root: Resource) -> bool:
            for x in objects(this, resource, root):  # noqa: SIM110 — a loop is twice as fast as any()
                if not keys.isdisjoint(x):
                    return True
            return False

        return any_has

    def count(self, node: typed.Node) -> Value:
        """How many items a path to one element of ``$this`` gives."""
        if not isinstance(node, typed.Field) or not is_this(node.source):
            raise Unsupported
        if not any(form.many for form in forms_of(node)):
            there = self.present(node)
            return lambda this, resource, root: int(bool(there(this, resource, root)))
        form = form_of(node)
        key, beside = form.key, "_" + form.key

        def count(this: Any, resource: Resource, root: Resource) -> int:
            if form.primitive and beside in this:
                raise Indirect
            return len(this.get(key) or ())

        return count


def _itself(this: Any, resource: Resource, root: Resource) -> Any:
    if this is None:
        raise Indirect
    return this
