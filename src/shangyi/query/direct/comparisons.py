"""``=``, ``<``, ``in`` between single values whose types are known."""

import operator as python
from collections.abc import Callable
from typing import Any

from shangyi.query import typed
from shangyi.query.direct.base import COMPLEX, Resource, Truth, Unsupported, Value, kind_of
from shangyi.query.direct.boxed import Boxed
from shangyi.query.direct.paths import Paths
from shangyi.query.types import BOOLEAN, ItemType

_NUMBERS = frozenset({"Integer", "Decimal"})
_TEMPORALS = frozenset({"Date", "DateTime", "Time"})
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}
_DATE = len("2024-02-29")
_FULL_DATETIME = len("2024-02-29T08:30:15+08:00")


class Comparisons:
    """Compiles comparisons for one type of ``$this``."""

    def __init__(self, this: ItemType, text: str) -> None:
        self.this, self.text = this, text
        self.paths = Paths(self.criterion)

    def criterion(self, node: typed.Node, source: typed.Node) -> Truth:
        """The criterion of a call, for the items of its source."""
        raise NotImplementedError

    def truth(self, node: typed.Node) -> Truth:
        """A Boolean expression."""
        raise NotImplementedError

    def equality(self, node: typed.Operation) -> Truth:
        """``=`` and ``!=``."""
        equal = node.operator == "="
        if _is_boolean(node.left) and _is_boolean(node.right):
            return self.same(node, equal)
        left, right = kind_of(node.left), kind_of(node.right)
        if left != right and not {left, right} <= _NUMBERS:
            raise Unsupported
        if left in _TEMPORALS or left in (COMPLEX, "Quantity"):
            raise Unsupported
        a, b = self.number_or_value(node.left), self.number_or_value(node.right)
        if isinstance(node.right, typed.Constant):
            constant = node.right.value
            if equal:
                return lambda this, resource, root: (
                    None if (v := a(this, resource, root)) is None else v == constant
                )
            return lambda this, resource, root: (
                None if (v := a(this, resource, root)) is None else v != constant
            )

        def compare(this: Any, resource: Resource, root: Resource) -> bool | None:
            x, y = a(this, resource, root), b(this, resource, root)
            return None if x is None or y is None else (x == y) is equal

        return compare

    def same(self, node: typed.Operation, equal: bool) -> Truth:
        """Whether two Booleans are the same, or differ."""
        if not (_is_boolean(node.left) and _is_boolean(node.right)):
            raise Unsupported
        a, b = self.truth(node.left), self.truth(node.right)

        def compare(this: Any, resource: Resource, root: Resource) -> bool | None:
            x, y = a(this, resource, root), b(this, resource, root)
            return None if x is None or y is None else (x is y) is equal

        return compare

    def number_or_value(self, node: typed.Node) -> Value:
        """A count, a sum of counts, or a single value."""
        match node:
            case typed.Call(function="count", arguments=()):
                return self.paths.count(node.source)
            case typed.Operation(operator="+") if kind_of(node) == "Integer":
                a, b = self.number_or_value(node.left), self.number_or_value(node.right)

                def total(this: Any, resource: Resource, root: Resource) -> Any:
                    x, y = a(this, resource, root), b(this, resource, root)
                    return None if x is None or y is None else x + y

                return total
        return self.paths.value(node)

    def membership(self, node: typed.Operation) -> Truth:
        """``in`` a list of constants."""
        constants = _constants(node.right)
        if constants is None or kind_of(node.left) != "String":
            raise Unsupported
        value = self.paths.value(node.left)
        return lambda this, resource, root: (
            None if (v := value(this, resource, root)) is None else v in constants
        )

    def comparison(self, node: typed.Operation) -> Truth:
        """``<`` and its like."""
        if node.operator == "<=" and (bounds := _period(node)) is not None:
            return self.period(node, *bounds)
        if not {kind_of(node.left), kind_of(node.right)} <= _NUMBERS:
            raise Unsupported
        a, b = self.number_or_value(node.left), self.number_or_value(node.right)
        test = COMPARE[node.operator]

        def compare(this: Any, resource: Resource, root: Resource) -> bool | None:
            x, y = a(this, resource, root), b(this, resource, root)
            return None if x is None or y is None else test(x, y)

        return compare

    def period(self, node: typed.Operation, start: typed.Node, end: typed.Node) -> Truth:
        """``start.lowBoundary() <= end.highBoundary()``: two dates that are written alike compare as text."""
        a, b = self.paths.value(start), self.paths.value(end)
        exact = Boxed(node, self.this, self.text).truth

        def compare(this: Any, resource: Resource, root: Resource) -> bool | None:
            x, y = a(this, resource, root), b(this, resource, root)
            if x is not None and y is not None and _alike(x, y):
                return bool(x <= y)
            return exact(this, resource, root)

        return compare


def _alike(x: str, y: str) -> bool:
    """Whether two dates have the same precision and the same offset, so that their texts have their order."""
    size = len(x)
    if size != len(y):
        return False
    return size <= _DATE or x[-1] == "Z" == y[-1] or (size >= _FULL_DATETIME and x[-6:] == y[-6:])


def _is_boolean(node: typed.Node) -> bool:
    return node.type.only is not None and kind_of(node) == BOOLEAN.name and node.type.single


def _constants(node: typed.Node) -> frozenset[str] | None:
    if isinstance(node, typed.Constant) and isinstance(node.value, str):
        return frozenset({node.value})
    if isinstance(node, typed.Operation) and node.operator == "|":
        left, right = _constants(node.left), _constants(node.right)
        return None if left is None or right is None else left | right
    return None


def _period(node: typed.Operation) -> tuple[typed.Node, typed.Node] | None:
    match node:
        case typed.Operation(
            left=typed.Call(function="lowBoundary", source=start, arguments=()),
            right=typed.Call(function="highBoundary", source=end, arguments=()),
        ) if start.type.only == end.type.only and kind_of(start) == "DateTime":
            return start, end
    return None
