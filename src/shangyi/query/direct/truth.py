"""Boolean expressions as three-valued closures over bare JSON."""

from collections.abc import Callable
from typing import Any

from shangyi.query import typed
from shangyi.query.closures.regular_expression import regular_expression
from shangyi.query.direct.base import (
    Indirect,
    Resource,
    Truth,
    Unsupported,
    forms_of,
    is_this,
    keys_of,
    kind_of,
)
from shangyi.query.direct.boxed import Boxed, needs_outer_scope
from shangyi.query.direct.comparisons import COMPARE, Comparisons
from shangyi.query.direct.logic import LOGIC
from shangyi.query.errors import EvaluationError
from shangyi.query.model import FHIR
from shangyi.query.types import ItemType

Test = Callable[[Any, Resource, Resource], bool]
_TEXT_TESTS: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "startsWith": lambda text: lambda value: value.startswith(text),
    "endsWith": lambda text: lambda value: value.endswith(text),
    "contains": lambda text: lambda value: text in value,
    "matches": lambda pattern: regular_expression(pattern).found_in,
}


def compile_test(tree: typed.Node, this: ItemType, text: str = "", direct: bool = True) -> Test:
    """Whether an expression is true for a value of type ``this``, its nearest and its outermost resource.

    Empty is not true; neither is what cannot be evaluated. ``direct`` False: by the boxed back end alone.
    """
    exact = Boxed(tree, this, text).truth
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


class _Truths(Comparisons):
    """Compiles Boolean expressions; ``outermost``: not within a criterion."""

    def __init__(self, this: ItemType, text: str, outermost: bool = True) -> None:
        super().__init__(this, text)
        self.outermost = outermost

    def criterion(self, node: typed.Node, source: typed.Node) -> Truth:
        only = source.type.only
        if only is None or only.namespace != "FHIR":
            raise Unsupported
        return _Truths(only, self.text, outermost=False).truth(node)

    def truth(self, node: typed.Node) -> Truth:
        try:
            return self.direct(node)
        except Unsupported:
            if not self.outermost and needs_outer_scope(node):
                raise
            return Boxed(node, self.this, self.text).truth

    def direct(self, node: typed.Node) -> Truth:
        match node:
            case typed.Constant(value=bool() as value):
                return lambda this, resource, root: value
            case typed.Operation(operator="and" | "or" | "implies"):
                return LOGIC[node.operator](self.truth(node.left), self.truth(node.right))
            case typed.Operation(operator="xor"):
                return self.same(node, equal=False)
            case typed.Operation(operator="=" | "!="):
                return self.equality(node)
            case typed.Operation(operator="in"):
                return self.membership(node)
            case typed.Operation() if node.operator in COMPARE:
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
