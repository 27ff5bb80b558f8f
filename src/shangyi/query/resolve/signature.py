"""What a function takes and gives, as data: the typing half of each function (the other half is in a back end)."""

from collections.abc import Callable
from dataclasses import dataclass

from shangyi.query import types
from shangyi.query.types import ItemType, Type, perhaps, plus, times

Result = Callable[[Type, tuple[Type, ...]], Type]


@dataclass(frozen=True, slots=True)
class Parameter:
    """``scope``: evaluated once outside (``value``), for each item as ``$this`` (``item``), or with the input
    as ``$this`` (``input``). ``needs``: System types that a single value must be of; () takes any collection.
    """

    scope: str = "value"
    needs: tuple[ItemType, ...] = ()
    optional: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """``needs``: System types that the input must be of, one of them. ``section``: anchor in the specification."""

    name: str
    section: str
    result: Result
    parameters: tuple[Parameter, ...] = ()
    needs: tuple[ItemType, ...] = ()
    in_order: bool = False

    @property
    def least(self) -> int:
        """The fewest arguments."""
        return sum(not p.optional for p in self.parameters)

    @property
    def most(self) -> int | None:
        """The most arguments, None for any number."""
        return None if any(p.repeats for p in self.parameters) else len(self.parameters)

    def parameter(self, position: int) -> Parameter:
        """The parameter that an argument belongs to."""
        return self.parameters[min(position, len(self.parameters) - 1)]


def value(*needs: ItemType, optional: bool = False) -> Parameter:
    """A single value."""
    return Parameter("value", needs, optional)


COLLECTION = Parameter("value")
CRITERION = Parameter("item", (types.BOOLEAN,))
PROJECTION = Parameter("item")


def always(item: ItemType) -> Result:
    """Exactly one, whatever comes in."""
    return lambda source, arguments: types.one(item)


def maybe(item: ItemType) -> Result:
    """One where input and arguments are there."""

    def result(source: Type, arguments: tuple[Type, ...]) -> Type:
        least = 0 if source.min == 0 or any(a.min == 0 for a in arguments) else 1
        return Type((item,), least, 0 if source.max == 0 else 1)

    return result


def fallible(item: ItemType) -> Result:
    """One or none: a conversion can fail."""
    return lambda source, arguments: perhaps(item)


def same(source: Type, arguments: tuple[Type, ...]) -> Type:
    """The input."""
    return source


def filtered(source: Type, arguments: tuple[Type, ...]) -> Type:
    """Some of the input."""
    return source.with_count(0, source.max)


def single(source: Type, arguments: tuple[Type, ...]) -> Type:
    """One of the input, where there is one."""
    return source.with_count(min(source.min, 1), min(1 if source.max is None else source.max, 1))


def distinct(source: Type, arguments: tuple[Type, ...]) -> Type:
    """The input without duplicates."""
    return source.with_count(min(source.min, 1), source.max).unordered()


def projected(source: Type, arguments: tuple[Type, ...]) -> Type:
    """What the projection gives, for each item."""
    inner = arguments[0]
    ordered = source.ordered and inner.ordered
    return Type(inner.items, source.min * inner.min, times(source.max, inner.max), ordered)


def repeated(source: Type, arguments: tuple[Type, ...]) -> Type:
    """What the projection gives, again and again."""
    return Type(arguments[0].items, 0, None, False)


def united(source: Type, arguments: tuple[Type, ...]) -> Type:
    """Either, without duplicates."""
    other = arguments[0]
    least = min(1, max(source.min, other.min))
    alone = source.max == 0 or other.max == 0
    return Type(types.merge((source, other)), least, plus(source.max, other.max), alone)


def combined(source: Type, arguments: tuple[Type, ...]) -> Type:
    """Both."""
    other = arguments[0]
    return Type(types.merge((source, other)), source.min + other.min, plus(source.max, other.max), False)


def either(source: Type, arguments: tuple[Type, ...]) -> Type:
    """The branches of ``iif``: the second or the third argument."""
    branches = arguments[1:] if len(arguments) == 3 else (arguments[1], types.NOTHING)
    return alternative(branches)


def alternative(branches: tuple[Type, ...]) -> Type:
    """One of several."""
    most: int | None = 0
    for branch in branches:
        most = None if most is None or branch.max is None else max(most, branch.max)
    return Type(types.merge(branches), min(b.min for b in branches), most, all(b.ordered for b in branches))


def number(source: Type, arguments: tuple[Type, ...]) -> Type:
    """A number or quantity as it came."""
    return single(source, arguments)


def anything(source: Type, arguments: tuple[Type, ...]) -> Type:
    """Known only at run time."""
    return Type(None, 0, None, False)


def anything_single(source: Type, arguments: tuple[Type, ...]) -> Type:
    """One item, known only at run time."""
    return Type(None, 0, 1)
