"""The typed tree of one library to closures over a frame."""

from collections.abc import Callable
from typing import Any

from shangyi.query.cql import tree
from shangyi.query.cql.closures import collections, fhir, operators, queries, references, retrieve
from shangyi.query.cql.closures.evaluation import Closure, Frame
from shangyi.query.cql.closures.faults import placed
from shangyi.query.cql.closures.scope import Names
from shangyi.query.cql.closures.types import converter, retagged, tester
from shangyi.query.cql.library import Library, Program
from shangyi.query.cql.operators.equality import equal
from shangyi.query.cql.operators.intervals import make
from shangyi.query.cql.operators.temporal import to_milliseconds
from shangyi.query.cql.types import LONG, IntervalOf
from shangyi.query.cql.values import Code, Concept, DateTime, Long, Ratio, Tuple
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import Temporal
from shangyi.query.types import ItemType


class Compiler:
    """Compiles nodes of ``library``; ``calls`` gives the closures of functions and definitions of the program."""

    def __init__(self, program: Program, library: Library, calls: "references.Calls") -> None:
        self.program, self.library, self.calls = program, library, calls

    def node(self, node: tree.Node, names: Names) -> Closure:
        """A closure that gives the node's value; its errors name the node's place."""
        build = _BUILDERS.get(type(node))
        if build is None:
            raise NotImplementedError(type(node).__name__)
        return build(self, node, names)

    def all(self, nodes: tuple[tree.Node, ...], names: Names) -> tuple[Closure, ...]:
        """Of several."""
        return tuple(self.node(node, names) for node in nodes)


def _constant(value: Any) -> Closure:
    return lambda frame: value


def _null(compiler: Compiler, node: tree.Null, names: Names) -> Closure:
    return _constant(None)


def _literal(compiler: Compiler, node: tree.Literal, names: Names) -> Closure:
    value: Any = node.value
    if node.type == LONG:
        value = Long(value)
    if isinstance(value, Temporal):
        value = to_milliseconds(value)
    if type(value) is DateTime and value.offset is None:
        return lambda frame: frame[0].local(value)
    return _constant(value)


def _ratio(compiler: Compiler, node: tree.Ratio, names: Names) -> Closure:
    return _constant(Ratio(node.numerator, node.denominator))


def _interval(compiler: Compiler, node: tree.Interval, names: Names) -> Closure:
    low, high = compiler.node(node.low, names), compiler.node(node.high, names)
    low_closed, high_closed = (
        _constant(closed) if isinstance(closed, bool) else compiler.node(closed, names)
        for closed in (node.low_closed, node.high_closed)
    )
    point = node.type.point if isinstance(node.type, IntervalOf) else None
    name = point.name if isinstance(point, ItemType) and point.name != "Any" else None

    def run(frame: Frame) -> Any:
        return make(low(frame), high(frame), low_closed(frame), high_closed(frame), name)

    return placed(run, node.place)


def _list(compiler: Compiler, node: tree.List, names: Names) -> Closure:
    elements = compiler.all(node.elements, names)
    return lambda frame: [element(frame) for element in elements]


def _elements(
    compiler: Compiler, elements: tuple[tree.Element, ...], names: Names
) -> list[tuple[str, Closure]]:
    return [(element.name, compiler.node(element.value, names)) for element in elements]


def _tuple(compiler: Compiler, node: tree.Tuple, names: Names) -> Closure:
    elements = _elements(compiler, node.elements, names)
    return lambda frame: Tuple({name: value(frame) for name, value in elements})


def _instance(compiler: Compiler, node: tree.Instance, names: Names) -> Closure:
    elements, type_ = _elements(compiler, node.elements, names), node.type
    assert isinstance(type_, ItemType)
    make_one = fhir.system_instance if type_.namespace == "System" else fhir.instance
    name = type_.name

    def run(frame: Frame) -> Any:
        return make_one(name, {key: value(frame) for key, value in elements})

    return placed(run, node.place)


def _code(compiler: Compiler, node: tree.Code, names: Names) -> Closure:
    return _constant(references.code(compiler, node))


def _concept(compiler: Compiler, node: tree.Concept, names: Names) -> Closure:
    codes: tuple[Code, ...] = tuple(references.code(compiler, code) for code in node.codes)
    return _constant(Concept(codes, node.display))


def _property(compiler: Compiler, node: tree.Property, names: Names) -> Closure:
    source = compiler.node(node.source, names)
    get = fhir.get
    first, *rest = node.path.split(".")
    if not rest:
        return placed(lambda frame: get(source(frame), first, frame[0].offset), node.place)

    def run(frame: Frame) -> Any:
        offset = frame[0].offset
        value = get(source(frame), first, offset)
        for name in rest:
            value = get(value, name, offset)
        return value

    return placed(run, node.place)


def _is(compiler: Compiler, node: tree.Is, names: Names) -> Closure:
    operand, test = compiler.node(node.operand, names), tester(node.target)

    def run(frame: Frame) -> bool:
        value = operand(frame)
        return value is not None and test(value)

    return run


def _as(compiler: Compiler, node: tree.As, names: Names) -> Closure:
    operand, test, target = compiler.node(node.operand, names), tester(node.target), node.target
    retag, strict = retagged(target), node.strict

    def run(frame: Frame) -> Any:
        value = operand(frame)
        if value is None:
            return None
        if not test(value):
            if strict:
                raise EvaluationError("The value is no {type}", type=str(target))
            return None
        return value if retag is None else retag(value)

    return placed(run, node.place)


def _convert(compiler: Compiler, node: tree.Convert, names: Names) -> Closure:
    operand, convert = compiler.node(node.operand, names), converter(node.target)
    return placed(lambda frame: convert(frame[0], operand(frame)), node.place)


def _can_convert(compiler: Compiler, node: tree.CanConvert, names: Names) -> Closure:
    operand, convert = compiler.node(node.operand, names), converter(node.target)

    def run(frame: Frame) -> bool | None:
        value = operand(frame)
        return None if value is None else convert(frame[0], value) is not None

    return placed(run, node.place)


def _if(compiler: Compiler, node: tree.If, names: Names) -> Closure:
    condition, then, otherwise = compiler.all((node.condition, node.then, node.otherwise), names)
    return lambda frame: then(frame) if condition(frame) else otherwise(frame)


def _case(compiler: Compiler, node: tree.Case, names: Names) -> Closure:
    items = [(compiler.node(item.when, names), compiler.node(item.then, names)) for item in node.items]
    otherwise = compiler.node(node.otherwise, names)
    if node.comparand is None:

        def first(frame: Frame) -> Any:
            for when, then in items:
                if when(frame):
                    return then(frame)
            return otherwise(frame)

        return first
    comparand = compiler.node(node.comparand, names)

    def equal_one(frame: Frame) -> Any:
        value = comparand(frame)
        return next((then for when, then in items if equal(value, when(frame))), otherwise)(frame)

    return placed(equal_one, node.place)


Builder = Callable[[Compiler, Any, Names], Closure]
_BUILDERS: dict[type[tree.Node], Builder] = {
    tree.Null: _null,
    tree.Literal: _literal,
    tree.Ratio: _ratio,
    tree.Interval: _interval,
    tree.List: _list,
    tree.Tuple: _tuple,
    tree.Instance: _instance,
    tree.Code: _code,
    tree.Concept: _concept,
    tree.Property: _property,
    tree.Is: _is,
    tree.As: _as,
    tree.Convert: _convert,
    tree.CanConvert: _can_convert,
    tree.If: _if,
    tree.Case: _case,
    tree.Operator: operators.operator,
    tree.Query: queries.query,
    tree.Retrieve: retrieve.retrieve,
    **references.BUILDERS,
    **collections.BUILDERS,
}
