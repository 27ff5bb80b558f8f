"""Static types: what items an expression can give, how many, and whether their order means anything."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ItemType:
    """The type of one item: ``System.String``, ``FHIR.HumanName``, ``FHIR.Patient.contact``."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}"


def system(name: str) -> ItemType:
    """A type of FHIRPath itself."""
    return ItemType("System", name)


BOOLEAN, STRING, INTEGER, DECIMAL = system("Boolean"), system("String"), system("Integer"), system("Decimal")
DATE, DATETIME, TIME, QUANTITY = system("Date"), system("DateTime"), system("Time"), system("Quantity")
SYSTEM_TYPES = {t.name: t for t in (BOOLEAN, STRING, INTEGER, DECIMAL, DATE, DATETIME, TIME, QUANTITY)}

WIDENS = {
    INTEGER: (DECIMAL, QUANTITY),
    DECIMAL: (QUANTITY,),
    DATE: (DATETIME,),
}
"""Implicit conversions between System types (http://hl7.org/fhirpath/N1/#conversion)."""


@dataclass(frozen=True, slots=True)
class Type:
    """``items``: the alternatives; () is of the empty collection only, None means anything.

    ``min`` and ``max`` count items; ``max`` None is unbounded. ``ordered`` is False where the specification gives
    no order (``children()``, ``|``).
    """

    items: tuple[ItemType, ...] | None
    min: int = 0
    max: int | None = 1
    ordered: bool = True

    def __str__(self) -> str:
        names = "any" if self.items is None else " | ".join(map(str, self.items)) or "nothing"
        return f"{names} [{self.min}..{'*' if self.max is None else self.max}]"

    @property
    def single(self) -> bool:
        """Whether there is never more than one item."""
        return self.max is not None and self.max <= 1

    @property
    def only(self) -> ItemType | None:
        """The one type that items can have, None where there are several or none."""
        return self.items[0] if self.items is not None and len(self.items) == 1 else None

    def with_count(self, least: int, most: int | None) -> "Type":
        """The same items, so many of them."""
        return replace(self, min=least, max=most)

    def with_items(self, items: tuple[ItemType, ...] | None) -> "Type":
        """As many items, of other types."""
        return replace(self, items=items)

    def unordered(self) -> "Type":
        """The same, in no order that means anything."""
        return replace(self, ordered=False)


ANYTHING = Type(None, 0, None)
NOTHING = Type((), 0, 0)


def one(item: ItemType) -> Type:
    """Exactly one."""
    return Type((item,), 1, 1)


def perhaps(item: ItemType) -> Type:
    """One or none."""
    return Type((item,), 0, 1)


def some(item: ItemType) -> Type:
    """Any number."""
    return Type((item,), 0, None)


def times(outer: int | None, inner: int | None) -> int | None:
    """The most items when each of ``outer`` gives at most ``inner``."""
    if outer == 0 or inner == 0:
        return 0
    return None if outer is None or inner is None else outer * inner


def plus(left: int | None, right: int | None) -> int | None:
    """The most items of two collections put together."""
    return None if left is None or right is None else left + right


def merge(types: Iterable[Type]) -> tuple[ItemType, ...] | None:
    """The alternatives of all, None where one can be anything."""
    found: dict[ItemType, None] = {}
    for type_ in types:
        if type_.items is None:
            return None
        found.update(dict.fromkeys(type_.items))
    return tuple(found)
