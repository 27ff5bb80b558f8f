"""``<  <=  >  >=`` and the order that ``sort``, ``min`` and ``max`` go by (http://hl7.org/fhirpath/N1/#comparison)."""

from shangyi.query import quantity, temporal
from shangyi.query.closures.equality import as_quantity
from shangyi.query.closures.values import Collection, Item, single, system, type_of
from shangyi.query.errors import EvaluationError
from shangyi.query.quantity import Quantity
from shangyi.query.temporal import Temporal

TESTS = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def order(left: Item, right: Item) -> int | None:
    """-1, 0, 1, None where it is not known; EvaluationError where the types have no order."""
    a, b = system(left), system(right)
    if a is None or b is None:
        return None
    if isinstance(a, str) and isinstance(b, str):
        return (a > b) - (a < b)
    if isinstance(a, Temporal) and isinstance(b, Temporal) and a.first == b.first:
        return temporal.compare(a, b)
    one, other = as_quantity(a), as_quantity(b)
    if one is None or other is None:
        raise EvaluationError(
            "{left} and {right} have no order", left=str(type_of(left)), right=str(type_of(right))
        )
    if not isinstance(a, Quantity) and not isinstance(b, Quantity):
        return (one.value > other.value) - (one.value < other.value)
    return quantity.compare(one, other)


def compare(operator: str, left: Collection, right: Collection) -> bool | None:
    """``left < right`` and its like."""
    a, b = single(left), single(right)
    if a is None or b is None:
        return None
    found = order(a, b)
    return None if found is None else TESTS[operator](found)
