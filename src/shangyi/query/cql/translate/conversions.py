"""Implicit conversions: which one leads from a type to another, what it costs, and the tree that it makes
(https://cql.hl7.org/03-developersguide.html#conversion-precedence).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from shangyi.query.cql import tree
from shangyi.query.cql.model import Model
from shangyi.query.cql.translate.relations import Relations
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    CODE,
    CONCEPT,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    VALUESET,
    ChoiceOf,
    IntervalOf,
    ListOf,
    Type,
    options,
)
from shangyi.query.types import ItemType

EXACT, SUBTYPE, COMPATIBLE, CAST, SIMPLE, COMPLEX = range(6)
"""What a conversion costs; an overload that costs least is chosen."""

IMPLICIT: dict[Type, tuple[tuple[str, Type], ...]] = {
    INTEGER: (("ToLong", LONG), ("ToDecimal", DECIMAL), ("ToQuantity", QUANTITY)),
    LONG: (("ToDecimal", DECIMAL),),
    DECIMAL: (("ToQuantity", QUANTITY),),
    DATE: (("ToDateTime", DATETIME),),
    CODE: (("ToConcept", CONCEPT),),
    VALUESET: (("ExpandValueSet", ListOf(CODE)),),
}


@dataclass(frozen=True, slots=True)
class Cast:
    """``x as T``."""

    target: Type


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator of System."""

    name: str
    target: Type


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a model names (``FHIRHelpers.ToCode``)."""

    library: str
    name: str
    source: Type
    target: Type


@dataclass(frozen=True, slots=True)
class Each:
    """Of each item of a list."""

    inner: "Step"
    source: Type
    target: ListOf


@dataclass(frozen=True, slots=True)
class Ends:
    """Of both ends of an interval."""

    inner: "Step"
    target: IntervalOf


@dataclass(frozen=True, slots=True)
class Narrow:
    """Of a choice: by the type that the value has."""

    cases: tuple[tuple[Type, "Step"], ...]
    target: Type


@dataclass(frozen=True, slots=True)
class Widen:
    """To a choice, by way of one of its options."""

    inner: "Step"
    target: Type


Step: TypeAlias = Cast | Apply | Function | Each | Ends | Narrow | Widen


class Conversions(Relations):
    """Conversions of System and of the models in use."""

    def __init__(self, models: Iterable[Model] = ()) -> None:
        super().__init__(models)
        self.steps: dict[Type, list[Step]] = {
            source: [Apply(name, target) for name, target in rows] for source, rows in IMPLICIT.items()
        }
        for model in self.models.values():
            for c in model.conversions:
                library, _, name = c.function.rpartition(".")
                self.steps.setdefault(c.source, []).append(Function(library, name, c.source, c.target))
        self._found: dict[tuple[Type, Type], tuple[int, Step | None] | None] = {}

    def targets(self, type_: Type) -> list[Type]:
        """What a type can be converted to in one step."""
        return [step.target for a in self.ancestors(type_) for step in self.steps.get(a, ())]

    def conversion(self, given: Type, needed: Type) -> tuple[int, Step | None] | None:
        """Cost and step from one type to another; None where there is no way."""
        key = (given, needed)
        if key not in self._found:
            self._found[key] = None
            self._found[key] = self._conversion(given, needed)
        return self._found[key]

    def _conversion(self, given: Type, needed: Type) -> tuple[int, Step | None] | None:
        if given == needed:
            return EXACT, None
        if self.subtype(given, needed):
            return SUBTYPE, None
        if self.compatible(given, needed):
            return COMPATIBLE, Cast(needed)
        for ancestor in self.ancestors(given):
            for step in self.steps.get(ancestor, ()):
                if self.subtype(step.target, needed):
                    simple = isinstance(needed, ItemType) and needed not in (QUANTITY, CODE, CONCEPT)
                    return (SIMPLE if simple else COMPLEX), step
        match given, needed:
            case ChoiceOf(), _:
                cases = tuple(
                    (option, found[1] or Cast(needed))
                    for option in given.options
                    if (found := self.conversion(option, needed)) is not None
                )
                return (CAST, Narrow(cases, needed)) if cases else None
            case _, ChoiceOf():
                for option in needed.options:
                    found = self.conversion(given, option)
                    if found is not None and found[1] is not None:
                        return CAST, Widen(found[1], needed)
            case ListOf(), ListOf():
                found = self.conversion(given.element, needed.element)
                if found is not None and found[1] is not None:
                    return found[0], Each(found[1], given.element, needed)
            case IntervalOf(), IntervalOf():
                found = self.conversion(given.point, needed.point)
                if found is not None and found[1] is not None:
                    return found[0], Ends(found[1], needed)
        return None

    def convert(self, node: tree.Node, step: Step | None) -> tree.Node:
        """``node`` converted."""
        if step is None:
            return node
        place = node.place
        match step:
            case Cast():
                if isinstance(node, tree.Null):
                    return replace(node, type=step.target)
                return tree.As(node, step.target, type=step.target, place=place)
            case Apply():
                return tree.Operator(step.name, (node,), type=step.target, place=place)
            case Function():
                return tree.FunctionRef(
                    step.library, step.name, (node,), (step.source,), type=step.target, place=place
                )
            case Each():
                item = tree.AliasRef("X", type=step.source, place=place)
                return tree.Query(
                    (tree.Source("X", node, type=step.source, place=place),),
                    returns=tree.Return(
                        self.convert(item, step.inner), False, type=step.target.element, place=place
                    ),
                    type=step.target,
                    place=place,
                )
            case Ends():
                return self._ends(node, step)
            case Narrow():
                return self._narrow(node, step)
            case Widen():
                return replace(self.convert(node, step.inner), type=step.target)

    def _ends(self, node: tree.Node, step: Ends) -> tree.Node:
        if isinstance(node, tree.Interval):
            low, high = self.convert(node.low, step.inner), self.convert(node.high, step.inner)
            return replace(node, low=low, high=high, type=step.target)
        assert isinstance(node.type, IntervalOf)

        def part(path: str, type_: Type) -> tree.Node:
            return tree.Property(node, path, type=type_, place=node.place)

        return tree.Interval(
            self.convert(part("low", node.type.point), step.inner),
            self.convert(part("high", node.type.point), step.inner),
            part("lowClosed", BOOLEAN),
            part("highClosed", BOOLEAN),
            type=step.target,
            place=node.place,
        )

    def _narrow(self, node: tree.Node, step: Narrow) -> tree.Node:
        place = node.place

        def converted(option: Type, inner: Step) -> tree.Node:
            value = tree.As(node, option, type=option, place=place)
            return (
                value if inner == Cast(step.target) and option == step.target else self.convert(value, inner)
            )

        if len(step.cases) == 1:
            return converted(*step.cases[0])
        items = tuple(
            tree.CaseItem(
                tree.Is(node, option, type=BOOLEAN, place=place),
                converted(option, inner),
                type=step.target,
                place=place,
            )
            for option, inner in step.cases
        )
        return tree.Case(None, items, tree.Null(type=step.target, place=place), type=step.target, place=place)

    def to_type(self, node: tree.Node, needed: Type) -> tree.Node | None:
        """``node`` as the type that is needed; None where there is no way."""
        found = self.conversion(node.type, needed)
        return None if found is None else self.convert(node, found[1])

    def unify(self, nodes: list[tree.Node]) -> tuple[list[tree.Node], Type]:
        """Values of one type: converted to one of theirs if all can be, else of a choice."""
        types = [node.type for node in nodes]
        candidates = [type_ for type_ in dict.fromkeys(types) if type_ != ANY] or [ANY]
        for needed in sorted(candidates, key=lambda t: len(options(t))):
            found = [self.conversion(type_, needed) for type_ in types]
            if needed.__class__ is not ChoiceOf and all(f is not None and f[0] != CAST for f in found):
                return [self.convert(n, f[1]) for n, f in zip(nodes, found, strict=True) if f], needed
        return nodes, self.common(types)
