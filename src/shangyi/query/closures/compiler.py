"""The typed tree to Python closures over boxed values: the back end that can do everything, for one resource."""

from collections.abc import Callable

from shangyi.query import typed
from shangyi.query.closures import (
    aggregates,
    conversion,
    existence,
    fhir,
    filtering,
    math,
    strings,
    subsetting,
    utility,
)
from shangyi.query.closures.adapters import Builder
from shangyi.query.closures.arithmetic import calculate, negative
from shangyi.query.closures.comparison import TESTS, compare
from shangyi.query.closures.equality import Distinct, equal, equivalent
from shangyi.query.closures.evaluation import Closure, Scope
from shangyi.query.closures.logic import DECIDED_BY_LEFT, OPERATORS, negation
from shangyi.query.closures.types import as_of, is_of, tester
from shangyi.query.closures.values import (
    Collection,
    Element,
    Reflection,
    boolean,
    by_forms,
    named,
    single,
    truth,
)
from shangyi.query.errors import EvaluationError, excerpt

FUNCTIONS: dict[str, Builder] = {
    **existence.FUNCTIONS,
    **filtering.FUNCTIONS,
    **subsetting.FUNCTIONS,
    **conversion.FUNCTIONS,
    **strings.FUNCTIONS,
    **math.FUNCTIONS,
    **utility.FUNCTIONS,
    **aggregates.FUNCTIONS,
    **fhir.FUNCTIONS,
}


def compile_tree(node: typed.Node, text: str = "") -> Closure:
    """A closure that evaluates ``node``; its errors name the place in ``text``."""
    return _Compiler(text).node(node)


class _Compiler:
    def __init__(self, text: str) -> None:
        self.text = text

    def node(self, node: typed.Node) -> Closure:
        match node:
            case typed.Constant():
                constant = [node.value]
                return lambda scope: constant
            case typed.Empty():
                return lambda scope: []
            case typed.Local():
                return _LOCALS[node.name]
            case typed.External():
                return self.placed(node, _external(node.name))
            case typed.Defined():
                site = node.site
                return lambda scope: scope.at.sites[site]
            case typed.Field():
                return self.field(node)
            case typed.Define():
                return self.define(node)
            case typed.TypeOperation():
                return self.placed(node, self.type_operation(node))
            case typed.At():
                source, index = self.node(node.source), self.node(node.index)
                return self.placed(node, lambda scope: subsetting.at(source(scope), index(scope)))
            case typed.Negation():
                operand = self.node(node.operand)
                return self.placed(node, lambda scope: negative(operand(scope)))
            case typed.Operation():
                return self.placed(node, self.operation(node))
            case typed.Call():
                return self.placed(node, FUNCTIONS[node.function](node, self.node))
        raise NotImplementedError(type(node).__name__)

    def placed(self, node: typed.Node, closure: Closure) -> Closure:
        """The closure, its errors with the place of ``node``."""
        span, text = node.span, self.text

        def run(scope: Scope) -> Collection:
            try:
                return closure(scope)
            except EvaluationError as error:
                if not error.line and text:
                    error.line, error.column = span.line, span.column
                    error.context = excerpt(text, span.start, span.end)
                raise

        return run

    def field(self, node: typed.Field) -> Closure:
        source, name, forms = self.node(node.source), node.name, node.forms
        if forms is not None and len({form.owner for form in forms}) == 1:
            known = forms

            def by_static_type(scope: Scope) -> Collection:
                items = source(scope)
                if len(items) == 1 and type(items[0]) is Element:
                    return by_forms(items[0], name, known)
                return [x for item in items if type(item) is Element for x in by_forms(item, name, known)]

            return by_static_type

        def by_own_type(scope: Scope) -> Collection:
            found: Collection = []
            for item in source(scope):
                if type(item) is Element:
                    found += named(item, name)
                elif type(item) is Reflection:
                    found += item.get(name)
            return found

        return by_own_type

    def define(self, node: typed.Define) -> Closure:
        source, site = self.node(node.source), node.site
        value = None if node.value is None else self.node(node.value)

        def run(scope: Scope) -> Collection:
            items = source(scope)
            kept = items
            if value is not None:
                kept = value(Scope(scope.at, items, scope.index, scope.total))
            scope.at.sites[site] = kept
            return items

        return run

    def type_operation(self, node: typed.TypeOperation) -> Closure:
        source, test = self.node(node.source), tester(node.target)
        if node.operator == "is":
            return lambda scope: is_of(source(scope), test)
        if node.operator == "as":
            return lambda scope: as_of(source(scope), test)
        return lambda scope: [item for item in source(scope) if test(item)]

    def operation(self, node: typed.Operation) -> Closure:
        left, right, operator = self.node(node.left), self.node(node.right), node.operator
        if operator in OPERATORS:
            return _logical(operator, left, right)
        if operator in TESTS:
            return lambda scope: boolean(compare(operator, left(scope), right(scope)))
        match operator:
            case "=":
                return lambda scope: boolean(equal(left(scope), right(scope)))
            case "!=":
                return lambda scope: boolean(negation(equal(left(scope), right(scope))))
            case "~":
                return lambda scope: [equivalent(left(scope), right(scope))]
            case "!~":
                return lambda scope: [not equivalent(left(scope), right(scope))]
            case "|":
                return lambda scope: subsetting.union(left(scope), right(scope))
            case "in":
                return lambda scope: _member(left(scope), right(scope))
            case "contains":
                return lambda scope: _member(right(scope), left(scope))
        return lambda scope: calculate(operator, left(scope), right(scope))


def _logical(operator: str, left: Closure, right: Closure) -> Closure:
    combine = OPERATORS[operator]
    decided = DECIDED_BY_LEFT.get(operator)

    def run(scope: Scope) -> Collection:
        a = truth(left(scope))
        if decided is not None and a is decided[0]:
            return [decided[1]]
        return boolean(combine(a, truth(right(scope))))

    return run


def _member(item: Collection, collection: Collection) -> Collection:
    single(item)
    return [item[0] in Distinct.of(collection)] if item else []


def _index(scope: Scope) -> Collection:
    return [] if scope.index is None else [scope.index]


_LOCALS: dict[str, Closure] = {
    "this": lambda scope: scope.this,
    "index": _index,
    "total": lambda scope: scope.total or [],
}


def _external(name: str) -> Closure:
    special: dict[str, Callable[[Scope], Element | None]] = {
        "resource": lambda scope: scope.at.resource,
        "rootResource": lambda scope: scope.at.root,
    }
    if name in special:
        find = special[name]

        def around(scope: Scope) -> Collection:
            found = find(scope)
            return [] if found is None else [found]

        return around
    if name == "context":
        return lambda scope: scope.at.context

    def given(scope: Scope) -> Collection:
        if name not in scope.at.variables:
            raise EvaluationError("%{name} was not given", name=name)
        return scope.at.variables[name]

    return given
