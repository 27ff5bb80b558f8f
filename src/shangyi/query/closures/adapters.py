"""How plain Python functions become closures: who evaluates what, how often, and what emptiness does."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from shangyi.query import typed
from shangyi.query.closures.evaluation import Closure, Evaluation, Scope
from shangyi.query.closures.values import Collection, Item, single_value, truth, type_of
from shangyi.query.errors import EvaluationError
from shangyi.query.quantity import Quantity
from shangyi.query.resolve.functions import SIGNATURES
from shangyi.query.temporal import Date, DateTime, Time
from shangyi.query.types import ItemType

Compile = Callable[[typed.Node], Closure]
Builder = Callable[[typed.Call, Compile], Closure]
_PYTHON: dict[str, tuple[type, ...]] = {
    "Boolean": (bool,),
    "String": (str,),
    "Integer": (int,),
    "Decimal": (int, Decimal),
    "Date": (Date,),
    "DateTime": (Date, DateTime),
    "Time": (Time,),
    "Quantity": (int, Decimal, Quantity),
}


def on_items(function: Callable[[Collection, Evaluation], Collection]) -> Builder:
    """A function of the whole input, without arguments."""

    def build(call: typed.Call, compile_: Compile) -> Closure:
        source = compile_(call.source)
        return lambda scope: function(source(scope), scope.at)

    return build


def on_collections(function: Callable[..., Collection]) -> Builder:
    """A function of the input and of arguments, all as collections."""

    def build(call: typed.Call, compile_: Compile) -> Closure:
        source = compile_(call.source)
        arguments = [compile_(argument) for argument in call.arguments]
        return lambda scope: function(source(scope), *[argument(scope) for argument in arguments])

    return build


def on_value(function: Callable[..., Item | None]) -> Builder:
    """A function of one System value and single arguments; where one that is needed is empty, so is the result."""

    def build(call: typed.Call, compile_: Compile) -> Closure:
        source = compile_(call.source)
        signature = SIGNATURES[call.function]
        needs = _types(signature.needs)
        arguments = [
            (compile_(node), _types(signature.parameter(i).needs), signature.parameter(i).optional)
            for i, node in enumerate(call.arguments)
        ]

        def run(scope: Scope) -> Collection:
            value = single_value(source(scope))
            if value is None:
                return []
            _check(value, needs, call.function)
            given: list[Item | None] = []
            for argument, accepted, optional in arguments:
                found = single_value(argument(scope))
                if found is None:
                    if not optional:
                        return []
                else:
                    _check(found, accepted, call.function)
                given.append(found)
            try:
                result = function(value, *given)
            except (ArithmeticError, ValueError):
                return []
            return [] if result is None else [result]

        return run

    return build


def flat(builder: Builder) -> Builder:
    """A function of one value that gives a list: its items are the collection."""

    def build(call: typed.Call, compile_: Compile) -> Closure:
        inner = builder(call, compile_)

        def run(scope: Scope) -> Collection:
            found = inner(scope)
            return list(found[0]) if found else []

        return run

    return build


def _types(needs: tuple[ItemType, ...]) -> tuple[type, ...]:
    return tuple({kind for need in needs for kind in _PYTHON[need.name]})


def _check(value: Item, accepted: tuple[type, ...], name: str) -> None:
    if accepted and type(value) not in accepted:
        raise EvaluationError("{name}() does not take a {type}", name=name, type=str(type_of(value)))


def criterion(call: typed.Call, compile_: Compile, position: int = 0) -> Callable[[Scope], bool | None]:
    """An argument that answers yes or no."""
    closure = compile_(call.arguments[position])
    return lambda scope: truth(closure(scope))


def each(items: Collection, scope: Scope) -> list[tuple[Any, Scope]]:
    """Every item with its own scope."""
    return [(item, scope.item(item, index)) for index, item in enumerate(items)]
