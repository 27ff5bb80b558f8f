"""Types at run time: ``is``, ``as``, ``convert … to``."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from shangyi.query.closures.values import Element
from shangyi.query.cql.closures.fhir import is_type
from shangyi.query.cql.operators import CONTEXTUAL, PURE
from shangyi.query.cql.types import ChoiceOf, IntervalOf, ListOf, TupleOf, Type
from shangyi.query.cql.values import (
    Code,
    CodeSystem,
    Concept,
    Date,
    DateTime,
    Interval,
    Long,
    Quantity,
    Ratio,
    Time,
    Tuple,
    Uncertainty,
    ValueSet,
)
from shangyi.query.types import ItemType

Test = Callable[[Any], bool]
_SYSTEM: dict[str, tuple[type, ...]] = {
    "Boolean": (bool,),
    "String": (str,),
    "Integer": (int,),
    "Long": (Long,),
    "Decimal": (Decimal,),
    "Date": (Date,),
    "DateTime": (DateTime,),
    "Time": (Time,),
    "Quantity": (Quantity,),
    "Ratio": (Ratio,),
    "Code": (Code,),
    "Concept": (Concept,),
    "ValueSet": (ValueSet,),
    "CodeSystem": (CodeSystem,),
    "Vocabulary": (ValueSet, CodeSystem),
}


def tester(target: Type) -> Test:
    """Whether a value that is not null is of a type."""
    match target:
        case ItemType(namespace="System", name="Any"):
            return lambda value: True
        case ItemType(namespace="System", name=name):
            kinds = _SYSTEM.get(name, ())
            return lambda value: (
                type(value) in kinds or (type(value) is Uncertainty and type(value.low) in kinds)
            )
        case ItemType(name=name):
            return lambda value: type(value) is Element and is_type(value, name)
        case ListOf(element=element):
            inner = tester(element)
            return lambda value: type(value) is list and all(item is None or inner(item) for item in value)
        case IntervalOf(point=point):
            return _interval(point)
        case TupleOf(elements=elements):
            return _tuple({name: tester(type_) for name, type_ in elements})
        case ChoiceOf(options=options):
            tests = [tester(option) for option in options]
            return lambda value: any(test(value) for test in tests)
    return lambda value: False


def _interval(point: Type) -> Test:
    names = {option.name for option in _options(point) if isinstance(option, ItemType)}
    anything = "Any" in names
    return lambda value: (
        type(value) is Interval and (anything or value.point_type is None or value.point_type in names)
    )


def _options(type_: Type) -> tuple[Type, ...]:
    return type_.options if isinstance(type_, ChoiceOf) else (type_,)


def _tuple(tests: dict[str, Test]) -> Test:
    def test(value: Any) -> bool:
        if type(value) is not Tuple or value.elements.keys() != tests.keys():
            return False
        return all(item is None or tests[name](item) for name, item in value.elements.items())

    return test


def retagged(target: Type) -> Callable[[Any], Any] | None:
    """What gives an interval without boundaries the point type that it is now known to have."""
    if not isinstance(target, IntervalOf) or not isinstance(target.point, ItemType):
        return None
    name = target.point.name

    def retag(value: Any) -> Any:
        if type(value) is Interval and value.point_type is None:
            return Interval(None, None, value.low_closed, value.high_closed, name)
        return value

    return retag


Converter = Callable[[Any, Any], Any]
"""Of the evaluation and a value."""


def converter(target: Type) -> Converter:
    """``convert … to``: None where there is no conversion."""
    test = tester(target)
    match target:
        case ItemType(namespace="System", name=name):
            convert = _named(f"To{name}")
        case ListOf(element=element):
            inner = converter(element)
            convert = lambda at, value: _list(at, value, inner)  # noqa: E731
        case IntervalOf(point=point):
            convert = _intervals(converter(point))
        case ChoiceOf(options=options):
            convert = _first([converter(option) for option in options])
        case _:
            convert = _nothing

    def run(at: Any, value: Any) -> Any:
        return value if value is None or test(value) else convert(at, value)

    return run


def _nothing(at: Any, value: Any) -> Any:
    return None


def _named(name: str) -> Converter:
    if name in CONTEXTUAL:
        return CONTEXTUAL[name]
    function = PURE.get(name)
    return _nothing if function is None else lambda at, value: function(value)


def _list(at: Any, value: Any, inner: Converter) -> Any:
    if type(value) is Concept:
        return list(value.codes)
    return [inner(at, item) for item in value] if type(value) is list else None


def _intervals(inner: Converter) -> Converter:
    def run(at: Any, value: Any) -> Any:
        if type(value) is not Interval:
            return None
        return Interval(inner(at, value.low), inner(at, value.high), value.low_closed, value.high_closed)

    return run


def _first(converters: list[Converter]) -> Converter:
    def run(at: Any, value: Any) -> Any:
        found = (convert(at, value) for convert in converters)
        return next((item for item in found if item is not None), None)

    return run
