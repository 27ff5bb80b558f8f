"""Three-valued logic that looks at its right side only where the left does not decide."""

from collections.abc import Callable
from typing import Any

from shangyi.query.direct.base import Resource, Truth


def _conjunction(a: Truth, b: Truth) -> Truth:
    def both(this: Any, resource: Resource, root: Resource) -> bool | None:
        x = a(this, resource, root)
        if x is False:
            return False
        y = b(this, resource, root)
        return y if x is True or y is False else None

    return both


def _disjunction(a: Truth, b: Truth) -> Truth:
    def either(this: Any, resource: Resource, root: Resource) -> bool | None:
        x = a(this, resource, root)
        if x is True:
            return True
        y = b(this, resource, root)
        return y if x is False or y is True else None

    return either


def _implication(a: Truth, b: Truth) -> Truth:
    def follows(this: Any, resource: Resource, root: Resource) -> bool | None:
        x = a(this, resource, root)
        if x is False:
            return True
        y = b(this, resource, root)
        return y if x is True or y is True else None

    return follows


LOGIC: dict[str, Callable[[Truth, Truth], Truth]] = {
    "and": _conjunction,
    "or": _disjunction,
    "implies": _implication,
}
