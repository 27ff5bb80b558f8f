"""Operators: looked up once by their name in ELM, some by the types of their operands; logic stops early."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shangyi.errors import ShangyiError
from shangyi.query.cql import tree
from shangyi.query.cql.closures import fhir
from shangyi.query.cql.closures.evaluation import Closure, Frame
from shangyi.query.cql.closures.faults import located, placed
from shangyi.query.cql.closures.scope import Names
from shangyi.query.cql.operators import CONTEXTUAL, PURE, intervals, lists
from shangyi.query.cql.operators.boundaries import maximum, minimum
from shangyi.query.cql.operators.logic import coalesce
from shangyi.query.cql.types import IntervalOf, ListOf, Type
from shangyi.query.types import ItemType

if TYPE_CHECKING:
    from shangyi.query.cql.closures.compiler import Compiler

_ON_LISTS: dict[str, Callable[..., Any]] = {
    "Union": lists.union,
    "Intersect": lists.intersect,
    "Except": lists.difference,
    "Length": lambda items: 0 if items is None else len(items),
    "Contains": lists.contains,
    "In": lambda item, items: lists.contains(items, item),
}
_ON_INTERVALS: dict[str, Callable[..., Any]] = {
    "Union": intervals.union,
    "Intersect": intervals.intersect,
    "Except": intervals.difference,
    "Contains": intervals.contains,
    "In": lambda point, interval, precision=None: intervals.contains(interval, point, precision),
}
_STRUCTURES = {"Children": fhir.children, "Descendents": fhir.descendants, "Descendants": fhir.descendants}


def operator(compiler: "Compiler", node: tree.Operator, names: Names) -> Closure:
    """The closure of an operator."""
    special = _SPECIAL.get(node.name)
    operands = compiler.all(node.operands, names)
    if special is not None:
        return special(node, operands)
    if node.name in CONTEXTUAL:
        return _contextual(node, operands)
    function = _function(node)
    if node.precision is not None:
        return _precise(node, function, operands)
    if len(operands) == 1:
        return _unary(node, function, operands[0])
    if len(operands) == 2:
        return _binary(node, function, operands[0], operands[1])
    return placed(lambda frame: function(*[operand(frame) for operand in operands]), node.place)


def _function(node: tree.Operator) -> Callable[..., Any]:
    types = [operand.type for operand in node.operands]
    container = types[-1] if node.name == "In" else types[0] if types else None
    for kind, table in ((ListOf, _ON_LISTS), (IntervalOf, _ON_INTERVALS)):
        if isinstance(container, kind) and node.name in table:
            return table[node.name]
    if node.name in _STRUCTURES:
        return _STRUCTURES[node.name]
    if node.name not in PURE:
        raise NotImplementedError(node.name)
    return PURE[node.name]


def _unary(node: tree.Operator, function: Callable[..., Any], operand: Closure) -> Closure:
    place = node.place

    def run(frame: Frame) -> Any:
        try:
            return function(operand(frame))
        except ShangyiError as error:
            raise located(error, place) from None

    return run


def _binary(node: tree.Operator, function: Callable[..., Any], left: Closure, right: Closure) -> Closure:
    place = node.place

    def run(frame: Frame) -> Any:
        try:
            return function(left(frame), right(frame))
        except ShangyiError as error:
            raise located(error, place) from None

    return run


def _precise(node: tree.Operator, function: Callable[..., Any], operands: tuple[Closure, ...]) -> Closure:
    precision = node.precision
    if len(operands) == 1:
        (only,) = operands
        return placed(lambda frame: function(only(frame), precision=precision), node.place)
    left, right = operands
    if node.name in ("DurationBetween", "DifferenceBetween"):
        return placed(lambda frame: function(left(frame), right(frame), precision), node.place)
    if isinstance(node.operands[0].type, ListOf) or isinstance(node.operands[1].type, ListOf):
        return _binary(node, function, left, right)  # members of lists are compared as they are
    return placed(lambda frame: function(left(frame), right(frame), precision=precision), node.place)


def _contextual(node: tree.Operator, operands: tuple[Closure, ...]) -> Closure:
    function, precision = CONTEXTUAL[node.name], node.precision
    if precision is None:
        return placed(lambda frame: function(frame[0], *[operand(frame) for operand in operands]), node.place)
    return placed(
        lambda frame: function(frame[0], *[operand(frame) for operand in operands], precision=precision),
        node.place,
    )


# --- Operators that need not evaluate all operands, or none


def _and(node: tree.Operator, operands: tuple[Closure, ...]) -> Closure:
    left, right = operands

    def run(frame: Frame) -> Any:
        a = left(frame)
        if a is False:
            return False
        b = right(frame)
        if b is False:
            return False
        return True if a and b else None

    return run


def _or(node: tree.Operator, operands: tuple[Closure, ...]) -> Closure:
    left, right = operands

    def run(frame: Frame) -> Any:
        a = left(frame)
        if a:
            return True
        b = right(frame)
        if b:
            return True
        return False if a is False and b is False else None

    return run


def _implies(node: tree.Operator, operands: tuple[Closure, ...]) -> Closure:
    left, right = operands

    def run(frame: Frame) -> Any:
        a = left(frame)
        if a is False:
            return True
        b = right(frame)
        if b:
            return True
        return False if a and b is False else None

    return run


def _coalesce(node: tree.Operator, operands: tuple[Closure, ...]) -> Closure:
    if len(operands) == 1:
        (only,) = operands
        return lambda frame: coalesce(only(frame))

    def run(frame: Frame) -> Any:
        for operand in operands:
            value = operand(frame)
            if value is not None:
                return value
        return None

    return run


def _limit(find: Callable[[str], Any]) -> Callable[[tree.Operator, tuple[Closure, ...]], Closure]:
    def build(node: tree.Operator, operands: tuple[Closure, ...]) -> Closure:
        name = _type_name(node.type)
        return placed(lambda frame: find(name), node.place)

    return build


def _type_name(type_: Type) -> str:
    return type_.name if isinstance(type_, ItemType) else str(type_)


_SPECIAL: dict[str, Callable[[tree.Operator, tuple[Closure, ...]], Closure]] = {
    "And": _and,
    "Or": _or,
    "Implies": _implies,
    "Coalesce": _coalesce,
    "MinValue": _limit(minimum),
    "MaxValue": _limit(maximum),
}
