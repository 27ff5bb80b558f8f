"""Types of CQL (https://cql.hl7.org/03-developersguide.html#type-system): named, list, interval, tuple, choice.

A named type is an ``ItemType``, as in FHIRPath: ``System.Integer``, ``FHIR.Patient``, ``QICore.Patient``. What a named
type derives from and which elements it has says its model (``model``); the types here are names only, so that trees
compare and travel without models.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from shangyi.query.types import ItemType, system

ELM_NAMESPACE = "urn:hl7-org:elm-types:r1"


@dataclass(frozen=True, slots=True)
class ListOf:
    """``List<T>``."""

    element: "Type"

    def __str__(self) -> str:
        return f"List<{self.element}>"


@dataclass(frozen=True, slots=True)
class IntervalOf:
    """``Interval<T>``."""

    point: "Type"

    def __str__(self) -> str:
        return f"Interval<{self.point}>"


@dataclass(frozen=True, slots=True)
class TupleOf:
    """``Tuple { name T, … }``. Elements are sorted by name: their order is no part of the type."""

    elements: tuple[tuple[str, "Type"], ...]

    def __str__(self) -> str:
        return "Tuple{" + ", ".join(f"{name} {type_}" for name, type_ in self.elements) + "}"

    def get(self, name: str) -> "Type | None":
        """The type of an element."""
        return next((type_ for own, type_ in self.elements if own == name), None)


@dataclass(frozen=True, slots=True)
class ChoiceOf:
    """``Choice<T, …>``: at least two, none of them a choice, sorted: their order is no part of the type."""

    options: tuple["Type", ...]

    def __str__(self) -> str:
        return f"Choice<{', '.join(map(str, self.options))}>"


@dataclass(frozen=True, slots=True)
class Variable:
    """A type parameter in the signature of a generic operator; none is left in a typed tree."""

    name: str

    def __str__(self) -> str:
        return self.name


Type: TypeAlias = ItemType | ListOf | IntervalOf | TupleOf | ChoiceOf | Variable

ANY = system("Any")
BOOLEAN, INTEGER, LONG, DECIMAL, STRING = map(system, ("Boolean", "Integer", "Long", "Decimal", "String"))
DATE, DATETIME, TIME = map(system, ("Date", "DateTime", "Time"))
QUANTITY, RATIO, CODE, CONCEPT = map(system, ("Quantity", "Ratio", "Code", "Concept"))
VOCABULARY, VALUESET, CODESYSTEM = map(system, ("Vocabulary", "ValueSet", "CodeSystem"))


def tuple_of(elements: Mapping[str, Type]) -> TupleOf:
    """The tuple type of these elements."""
    return TupleOf(tuple(sorted(elements.items(), key=lambda item: item[0])))


def choice(types: Iterable[Type]) -> Type:
    """A value of one of these types: the type itself where there is only one. Choices among them are spread."""
    found: dict[Type, None] = {}
    for type_ in types:
        found.update(dict.fromkeys(type_.options if isinstance(type_, ChoiceOf) else (type_,)))
    if len(found) == 1:
        return next(iter(found))
    return ChoiceOf(tuple(sorted(found, key=str)))


def options(type_: Type) -> tuple[Type, ...]:
    """What a value can be: the options of a choice, else the type alone."""
    return type_.options if isinstance(type_, ChoiceOf) else (type_,)


def parts(type_: Type) -> Iterator[Type]:
    """The types that a type is directly made of."""
    match type_:
        case ListOf(element=inner) | IntervalOf(point=inner):
            yield inner
        case TupleOf():
            yield from (inner for _, inner in type_.elements)
        case ChoiceOf():
            yield from type_.options
