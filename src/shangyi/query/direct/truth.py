"""Boolean expressions as three-valued closures over bare JSON."""

import operator as python
from collections.abc import Callable
from typing import Any

from shangyi.fhir import definitions
from shangyi.query import typed
from shangyi.query.closures import compile_tree
from shangyi.query.closures.evaluation import Evaluation, Scope
from shangyi.query.closures.strings import matcher
from shangyi.query.closures.values import Element
from shangyi.query.closures.values import resource as boxed
from shangyi.query.closures.values import truth as boxed_truth
from shangyi.query.direct.base import (
    COMPLEX,
    Indirect,
    Resource,
    Truth,
    Unsupported,
    Value,
    forms_of,
    is_this,
    keys_of,
    kind_of,
)
from shangyi.query.direct.paths import Paths
from shangyi.query.errors import EvaluationError
from shangyi.query.model import FHIR
from shangyi.query.types import BOOLEAN, ItemType

Test = Callable[[Any, Resource, Resource], bool]
_NUMBERS = frozenset({"Integer", "Decimal"})
_TEMPORALS = frozenset({"Date", "DateTime", "Time"})
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}
_TEXT_TESTS: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "startsWith": lambda text: lambda value: value.startswith(text),
    "endsWith": lambda text: lambda value: value.endswith(text),
    "contains": lambda text: lambda value: text in value,
    "matches": matcher,
}
_DATE = len("2024-02-29")
_FULL_DATETIME = len("2024-02-29T08:30:15+08:00")


def compile_test(tree: typed.Node, this: ItemType, text: str = "", direct: bool = True) -> Test:
    """Whether an expression is true for a value of type ``this``, its nearest and its outermost resource.

    Empty is not true; neither is what cannot be evaluated. ``direct`` False: by the boxed back end alone.
    """
    exact = _Boxed(tree, this, text).truth
    try:
        quick = _Truths(this, text).truth(tree) if direct else exact
    except Unsupported:
        quick = exact

    def test(value: Any, resource: Resource, root: Resource) -> bool:
        try:
            return quick(value, resource, root) is True
        except Indirect:
            pass
        except (EvaluationError, RecursionError):
            return False
        try:
            return exact(value, resource, root) is True
        except (EvaluationError, RecursionError):
            return False

    return test


class _Boxed:
    """An expression by the boxed back end, called like the direct ones."""

    def __init__(self, node: typed.Node, this: ItemType, text: str) -> None:
        self.closure, self.type = compile_tree(node, text), this.name
        self.is_resource = definitions.structure(this.name).kind == "resource"

    def truth(self, value: Any, resource: Resource, root: Resource) -> bool | None:
        this = Element(value, value["resourceType"] if self.is_resource else self.type)
        around = this if value is resource else boxed(resource)
        outer = around if root is resource else boxed(root)
        items = [this]
        return boxed_truth(self.closure(Scope(Evaluation(items, around, outer, {}), items)))


class _Truths:
    """Compiles Boolean expressions for one type of ``$this``."""

    def __init__(self, this: ItemType, text: str, outermost: bool = True) -> None:
        self.this, self.text, self.outermost = this, text, outermost
        self.paths = Paths(self.criterion)

    def criterion(self, node: typed.Node, source: typed.Node) -> Truth:
        only = source.type.only
        if only is None or only.namespace != "FHIR":
            raise Unsupported
        return _Truths(only, self.text, outermost=False).truth(node)

    def truth(self, node: typed.Node) -> Truth:
        try:
            return self.direct(node)
        except Unsupported:
            if not self.outermost and _needs_outer_scope(node):
                raise
            return _Boxed(node, self.this, self.text).truth

    def direct(self, node: typed.Node) -> Truth:
        match node:
            case typed.Constant(value=bool() as value):
                return lambda this, resource, root: value
            case typed.Operation(operator="and" | "or" | "implies"):
                return _LOGIC[node.operator](self.truth(node.left), self.truth(node.right))
            case typed.Operation(operator="xor"):
                return self.same(node, equal=False)
            case typed.Operation(operator="=" | "!="):
                return self.equality(node)
            case typed.Operation(operator="in"):
                return self.membership(node)
            case typed.Operation() if node.operator in _COMPARE:
                return self.comparison(node)
            case typed.TypeOperation(operator="is"):
                return self.is_type(node)
            case typed.Call():
                return self.call(node)
            case typed.Field() if node.type.only and kind_of(node) == "Boolean":
                return self.paths.value(node)
        raise Unsupported

    def call(self, node: typed.Call) -> Truth:
        name = node.function
        if name == "not":
            inner = self.truth(node.source)
            return lambda this, resource, root: None if (a := inner(this, resource, root)) is None else not a
        if name == "hasValue" and node.source.type.single:
            value = self.paths.value(node.source)
            return lambda this, resource, root: value(this, resource, root) is not None
        if name == "isDistinct":
            values = self.paths.values(node.source)
            if kind_of(node.source) not in ("String", "Integer", "Boolean"):
                raise Unsupported
            return lambda this, resource, root: len(v := values(this, resource, root)) == len(set(v))
        if name in _TEXT_TESTS and len(node.arguments) == 1:
            return self.text_test(node)
        if name in ("exists", "empty", "all"):
            return self.quantified(node)
        raise Unsupported

    def quantified(self, node: typed.Call) -> Truth:
        if not node.arguments:
            there = self.paths.present(node.source)
            if node.function == "exists":
                return there
            return lambda this, resource, root: not there(this, resource, root)
        items, test = self.paths.objects(node.source), self.criterion(node.arguments[0], node.source)
        wanted, found = (True, True) if node.function == "exists" else (False, False)

        def some(this: Any, resource: Resource, root: Resource) -> bool:
            for x in items(this, resource, root):
                if (test(x, resource, root) is True) is wanted:
                    return found
            return not found

        return some

    def text_test(self, node: typed.Call) -> Truth:
        argument = node.arguments[0]
        if not isinstance(argument, typed.Constant) or not isinstance(argument.value, str):
            raise Unsupported
        if kind_of(node.source) != "String":
            raise Unsupported
        value, test = self.paths.value(node.source), _TEXT_TESTS[node.function](argument.value)
        return lambda this, resource, root: None if (v := value(this, resource, root)) is None else test(v)

    def equality(self, node: typed.Operation) -> Truth:
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
        constants = _constants(node.right)
        if constants is None or kind_of(node.left) != "String":
            raise Unsupported
        value = self.paths.value(node.left)
        return lambda this, resource, root: (
            None if (v := value(this, resource, root)) is None else v in constants
        )

    def comparison(self, node: typed.Operation) -> Truth:
        if node.operator == "<=" and (bounds := _period(node)) is not None:
            return self.period(node, *bounds)
        if not {kind_of(node.left), kind_of(node.right)} <= _NUMBERS:
            raise Unsupported
        a, b = self.number_or_value(node.left), self.number_or_value(node.right)
        test = _COMPARE[node.operator]

        def compare(this: Any, resource: Resource, root: Resource) -> bool | None:
            x, y = a(this, resource, root), b(this, resource, root)
            return None if x is None or y is None else test(x, y)

        return compare

    def period(self, node: typed.Operation, start: typed.Node, end: typed.Node) -> Truth:
        """``start.lowBoundary() <= end.highBoundary()``: two dates that are written alike compare as text."""
        a, b = self.paths.value(start), self.paths.value(end)
        exact = _Boxed(node, self.this, self.text).truth

        def compare(this: Any, resource: Resource, root: Resource) -> bool | None:
            x, y = a(this, resource, root), b(this, resource, root)
            if x is not None and y is not None and _alike(x, y):
                return bool(x <= y)
            return exact(this, resource, root)

        return compare

    def is_type(self, node: typed.TypeOperation) -> Truth:
        """``value is Quantity``: the name in JSON tells."""
        field = node.source
        if not isinstance(field, typed.Field) or not is_this(field.source) or node.target.namespace != "FHIR":
            raise Unsupported
        forms = forms_of(field)
        if any(FHIR.subtypes(form.type) or form.many for form in forms):
            raise Unsupported
        keys = keys_of(forms)
        wanted = keys_of([f for f in forms if f.type == node.target or node.target in FHIR.ancestors(f.type)])

        def test(this: Any, resource: Resource, root: Resource) -> bool | None:
            if not wanted.isdisjoint(this):
                return True
            return None if keys.isdisjoint(this) else False

        return test


def _alike(x: str, y: str) -> bool:
    """Whether two dates have the same precision and the same offset, so that their texts have their order."""
    size = len(x)
    if size != len(y):
        return False
    return size <= _DATE or x[-1] == "Z" == y[-1] or (size >= _FULL_DATETIME and x[-6:] == y[-6:])


def _conjunction(a: Truth, b: Truth) -> Truth:
    def both(this: Any, resource: Resource, root: Resource) -> bool | None:
        x = a(this, resource, root)
        if x is False:
            return False
        y = b(this, resource, root)
        return y if x is True or y is False else None

    return both


def _disjunction(a: Truth, b: Truth) -> Truth:
    def either(this: Any, resource: Resource, root: Resource) -> bool | None:
        x = a(this, resource, root)
        if x is True:
            return True
        y = b(this, resource, root)
        return y if x is False or y is True else None

    return either


def _implication(a: Truth, b: Truth) -> Truth:
    def follows(this: Any, resource: Resource, root: Resource) -> bool | None:
        x = a(this, resource, root)
        if x is False:
            return True
        y = b(this, resource, root)
        return y if x is True or y is True else None

    return follows


_LOGIC: dict[str, Callable[[Truth, Truth], Truth]] = {
    "and": _conjunction,
    "or": _disjunction,
    "implies": _implication,
}


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


def _needs_outer_scope(node: typed.Node) -> bool:
    """Whether a node below a criterion looks at more than its item and the resources around it."""
    if isinstance(node, typed.Defined | typed.Define) or (
        isinstance(node, typed.Local) and node.name != "this"
    ):
        return True
    if isinstance(node, typed.External) and node.name not in ("resource", "rootResource"):
        return True
    return any(_needs_outer_scope(child) for child in typed.children(node))
