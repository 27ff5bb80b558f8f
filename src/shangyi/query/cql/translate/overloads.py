"""Which overload a call means: the one whose conversions cost least
(https://cql.hl7.org/03-developersguide.html#function-resolution).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Generic, TypeVar

from shangyi.query.cql.translate.conversions import Conversions, Step
from shangyi.query.cql.types import (
    ANY,
    ChoiceOf,
    IntervalOf,
    ListOf,
    TupleOf,
    Type,
    Variable,
    choice,
    options,
    tuple_of,
)
from shangyi.query.types import ItemType

Target = TypeVar("Target")
_COMBINATIONS = 256


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Target]):
    """An overload: its operand types with type parameters filled, its result, and a step for each operand."""

    signature: tuple[Type, ...]
    result: Type
    steps: tuple[Step | None, ...]
    target: Target


class Ambiguous(Exception):
    """Several overloads cost the same."""


class Overloads(Conversions):
    """Overload resolution."""

    def choose(
        self, given: Sequence[Type], overloads: Iterable[tuple[Sequence[Type], Type, Target]]
    ) -> Chosen[Target] | None:
        """The overload that is meant; None where none fits, Ambiguous where several do equally well."""
        best: dict[tuple[Type, ...], Chosen[Target]] = {}
        least: tuple[int, int] | None = None
        calls = self._calls(given)
        for operands, result, target in overloads:
            if len(operands) != len(given):
                continue
            for bound in self._instances(operands, calls):
                signature = tuple(fill(operand, bound) for operand in operands)
                cost, steps = 0, []
                for have, need in zip(given, signature, strict=True):
                    found = self.conversion(have, need)
                    if found is None:
                        break
                    cost += found[0]
                    steps.append(found[1])
                else:
                    rank = (cost, sum(map(_precedence, signature)))
                    if least is None or rank < least:
                        best, least = {}, rank
                    if rank == least:
                        best.setdefault(
                            signature, Chosen(signature, fill(result, bound), tuple(steps), target)
                        )
        if len(best) > 1 and ANY not in given and not any(isinstance(t, ChoiceOf) for t in given):
            raise Ambiguous
        return next(iter(best.values()), None)

    def _calls(self, given: Sequence[Type]) -> list[tuple[Type, ...]]:
        """The operand types, and where there are choices also each combination of their options."""
        calls = [tuple(given)]
        if any(isinstance(type_, ChoiceOf) for type_ in given):
            calls += islice(product(*map(options, given)), _COMBINATIONS)
        return calls

    def _instances(self, operands: Sequence[Type], calls: list[tuple[Type, ...]]) -> list[dict[str, Type]]:
        """The ways to fill the type parameters; one way where there are none."""
        if not any(map(_generic, operands)):
            return [{}]
        found: list[dict[str, Type]] = []
        for call in calls:
            bound: dict[str, Type] = {}
            if (
                all(self._bind(o, c, bound) for o, c in zip(operands, call, strict=True))
                and bound not in found
            ):
                found.append(bound)
        return found

    def _bind(self, operand: Type, given: Type, bound: dict[str, Type]) -> bool:
        match operand, given:
            case Variable(), _:
                return self._fill(operand.name, given, bound)
            case ListOf(), ListOf():
                return self._bind(operand.element, given.element, bound)
            case IntervalOf(), IntervalOf():
                return self._bind(operand.point, given.point, bound)
            case ((ListOf() | IntervalOf()), _):
                inner = operand.element if isinstance(operand, ListOf) else operand.point
                if given == ANY:
                    return self._bind(inner, ANY, bound)
                for target in self.targets(given):
                    if type(target) is type(operand) and self._bind(operand, target, bound):
                        return True
                return False
        return True

    def _fill(self, name: str, given: Type, bound: dict[str, Type]) -> bool:
        before = bound.get(name)
        if before is None or before == ANY:
            bound[name] = given
            return True
        if given == ANY or self.subtype(given, before) or self.compatible(given, before):
            return True
        if self.subtype(before, given) or self.compatible(before, given):
            bound[name] = given
            return True
        if self.conversion(given, before) is not None:
            return True
        if self.conversion(before, given) is not None:
            bound[name] = given
            return True
        for wider in (*self.ancestors(before), *self.targets(before)):
            if self.conversion(given, wider) is not None:
                bound[name] = wider
                return True
        return False


def _generic(type_: Type) -> bool:
    match type_:
        case Variable():
            return True
        case ListOf(element=inner) | IntervalOf(point=inner):
            return _generic(inner)
    return False


def fill(type_: Type, bound: dict[str, Type]) -> Type:
    """``type_`` with its parameters filled."""
    match type_:
        case Variable():
            return bound.get(type_.name, ANY)
        case ListOf():
            return ListOf(fill(type_.element, bound))
        case IntervalOf():
            return IntervalOf(fill(type_.point, bound))
        case TupleOf():
            return tuple_of({name: fill(inner, bound) for name, inner in type_.elements})
        case ChoiceOf():
            return choice(fill(option, bound) for option in type_.options)
    return type_


_CLASSES = {"Quantity", "Ratio", "Code", "Concept", "ValueSet", "CodeSystem", "Vocabulary"}


def _precedence(type_: Type) -> int:
    match type_:
        case ItemType(namespace="System", name=name) if name not in _CLASSES:
            return 1
        case TupleOf():
            return 2
        case ItemType():
            return 3
        case IntervalOf():
            return 4
        case ListOf():
            return 5
        case ChoiceOf():
            return 6
    return 7
