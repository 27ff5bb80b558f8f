"""How types stand to each other: subtypes, compatible types, common types
(https://cql.hl7.org/03-developersguide.html#type-system).
"""

from collections.abc import Iterable, Iterator

from shangyi.query.cql.model import ClassInfo, Element, Model, built_in
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    ChoiceOf,
    IntervalOf,
    ListOf,
    TupleOf,
    Type,
    choice,
    options,
)
from shangyi.query.types import ItemType


class Relations:
    """Types of System and of the models in use."""

    def __init__(self, models: Iterable[Model] = ()) -> None:
        self.models = {model.name: model for model in (built_in("System"), *models)}

    def info(self, type_: Type) -> ClassInfo | None:
        """What the model says of a named type."""
        if not isinstance(type_, ItemType):
            return None
        model = self.models.get(type_.namespace)
        return None if model is None else model.classes.get(type_.name)

    def base(self, type_: Type) -> Type:
        """What a type derives from; Any of itself."""
        info = self.info(type_)
        return info.base if info is not None and info.base is not None else ANY

    def ancestors(self, type_: Type) -> Iterator[Type]:
        """The type and what it derives from, nearest first, without Any."""
        while type_ != ANY:
            yield type_
            type_ = self.base(type_)

    def subtype(self, narrow: Type, wide: Type) -> bool:
        """Whether each value of ``narrow`` is one of ``wide``."""
        if narrow == wide or wide == ANY:
            return True
        match narrow, wide:
            case (ListOf(element=a), ListOf(element=b)) | (IntervalOf(point=a), IntervalOf(point=b)):
                return self.subtype(a, b)
            case TupleOf(), TupleOf():
                return len(narrow.elements) == len(wide.elements) and all(
                    n == m and self.subtype(a, b)
                    for (n, a), (m, b) in zip(narrow.elements, wide.elements, strict=True)
                )
            case ChoiceOf(), _:
                return all(self.subtype(option, wide) for option in narrow.options)
            case _, ChoiceOf():
                return any(self.subtype(narrow, option) for option in wide.options)
            case ItemType(), _:
                base = self.base(narrow)
                return base != ANY and self.subtype(base, wide)
        return False

    def compatible(self, given: Type, needed: Type) -> bool:
        """Whether a value of ``given`` may be one of ``needed``, so that a cast is all that is needed."""
        if given in (ANY, needed):
            return True
        match given, needed:
            case ChoiceOf(), ChoiceOf():
                return any(self.compatible(option, needed) for option in given.options)
            case ChoiceOf(), _:
                return any(self.subtype(option, needed) for option in given.options)
            case _, ChoiceOf():
                return any(self.subtype(given, option) for option in needed.options)
            case (ListOf(element=a), ListOf(element=b)) | (IntervalOf(point=a), IntervalOf(point=b)):
                return self.compatible(a, b)
            case TupleOf(), TupleOf():
                return [n for n, _ in given.elements] == [n for n, _ in needed.elements] and all(
                    self.subtype(a, b) or self.compatible(a, b)
                    for (_, a), (_, b) in zip(given.elements, needed.elements, strict=True)
                )
        return False

    def element(self, type_: Type, name: str) -> Element | None:
        """An element of a class, its own or inherited; of a tuple; of an interval's ends."""
        match type_:
            case TupleOf():
                found = type_.get(name)
                return None if found is None else Element(found)
            case IntervalOf():
                if name in ("low", "high"):
                    return Element(type_.point)
                return Element(BOOLEAN) if name in ("lowClosed", "highClosed") else None
            case ItemType():
                for ancestor in self.ancestors(type_):
                    if not isinstance(ancestor, ItemType):
                        return self.element(ancestor, name)
                    info = self.info(ancestor)
                    if info is not None and name in info.elements:
                        return info.elements[name]
            case ChoiceOf():
                found_in = [
                    e for e in (self.element(option, name) for option in type_.options) if e is not None
                ]
                if found_in:
                    return Element(choice(e.type for e in found_in), found_in[0].target)
        return None

    def elements(self, type_: Type) -> list[str]:
        """The names of all elements, for hints."""
        match type_:
            case TupleOf():
                return [name for name, _ in type_.elements]
            case IntervalOf():
                return ["low", "high", "lowClosed", "highClosed"]
            case ListOf():
                return self.elements(type_.element)
        return [
            name
            for option in options(type_)
            for ancestor in self.ancestors(option)
            if (info := self.info(ancestor)) is not None
            for name in info.elements
        ]

    def common(self, types: Iterable[Type]) -> Type:
        """The type of a value that is of one of these: their widest, else a choice."""
        found: list[Type] = []
        for type_ in types:
            if type_ == ANY or any(self.subtype(type_, other) for other in found):
                continue
            found = [other for other in found if not self.subtype(other, type_)]
            found.append(type_)
        return choice(found) if found else ANY
