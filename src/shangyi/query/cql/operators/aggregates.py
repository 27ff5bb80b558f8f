"""Aggregates over the elements that are not null (https://cql.hl7.org/09-b-cqlreference.html#aggregate-functions).

Of nothing the result is null, but for Count (0), AllTrue (true) and AnyTrue (false). Quantities are brought to the
unit of the first; where one does not go together with it the result is null.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import Any

from shangyi.query.cql.operators import arithmetic
from shangyi.query.cql.operators.comparison import less
from shangyi.query.cql.operators.equality import equal, key
from shangyi.query.cql.operators.lists import sort
from shangyi.query.cql.values import Long, Quantity
from shangyi.query.cql.values.numbers import CONTEXT, decimal
from shangyi.terminology import ucum
from shangyi.terminology.ucum import UcumError

Source = list[Any] | None


def _known(source: Source) -> list[Any]:
    return [item for item in source or () if item is not None]


def count(source: Source) -> int:
    """How many there are."""
    return len(_known(source))


def all_true(source: Source) -> bool:
    """Whether none is false."""
    return all(_known(source))


def any_true(source: Source) -> bool:
    """Whether one is true."""
    return any(_known(source))


def total(source: Source) -> Any:
    """``Sum``."""
    items = _known(source)
    return reduce(arithmetic.add, items) if items else None


def product(source: Source) -> Any:
    """``Product``."""
    items = _known(source)
    return reduce(arithmetic.multiply, items) if items else None


def least(source: Source) -> Any:
    """``Min``; None where an order is not known."""
    return _extreme(source, less)


def greatest(source: Source) -> Any:
    """``Max``."""
    return _extreme(source, lambda a, b: less(b, a))


def _extreme(source: Source, comes_first: Callable[[Any, Any], bool | None]) -> Any:
    items = _known(source)
    if not items:
        return None
    found = items[0]
    for item in items[1:]:
        if comes_first(item, found):
            found = item
    return found if all(comes_first(item, found) is False for item in items) else None


def median(source: Source) -> Any:
    """The middle one, or the mean of the two in the middle."""
    items = sort(_known(source))
    if not items:
        return None
    middle = len(items) // 2
    if len(items) % 2:
        found = items[middle]
        return Decimal(found) if type(found) in (int, Long) else found
    return arithmetic.divide(arithmetic.add(items[middle - 1], items[middle]), 2)


def mode(source: Source) -> Any:
    """The one that occurs most often; of several the first."""
    groups: list[list[Any]] = []
    by_key: dict[Any, list[Any]] = {}
    for item in _known(source):
        found = key(item)
        group = by_key.get(found) if found is not None else _same_group(groups, item)
        if group is None:
            group = []
            groups.append(group)
            if found is not None:
                by_key[found] = group
        group.append(item)
    return max(groups, key=len)[0] if groups else None


def _same_group(groups: list[list[Any]], item: Any) -> list[Any] | None:
    return next((group for group in groups if equal(group[0], item)), None)


def average(source: Source) -> Any:
    """``Avg``."""
    return _statistic(source, lambda values: _mean(values), 1)


def variance(source: Source) -> Any:
    """The variance of a sample, in the square of the unit; None of one value."""
    return _statistic(source, lambda values: _variance(values, 1), 2)


def population_variance(source: Source) -> Any:
    """The variance of a population, in the square of the unit."""
    return _statistic(source, lambda values: _variance(values, 0), 2)


def standard_deviation(source: Source) -> Any:
    """The standard deviation of a sample; None of one value."""
    return _statistic(source, lambda values: _root(_variance(values, 1)), 1)


def population_standard_deviation(source: Source) -> Any:
    """The standard deviation of a population."""
    return _statistic(source, lambda values: _root(_variance(values, 0)), 1)


def geometric_mean(source: Source) -> Any:
    """The n-th root of the product; None unless all are positive."""
    return _statistic(source, _geometric_mean, 1)


def _statistic(source: Source, compute: Callable[[list[Decimal]], Decimal | None], power: int) -> Any:
    items = _known(source)
    if not items:
        return None
    unit = items[0] if type(items[0]) is Quantity else None
    try:
        found = compute([_in_unit(item, unit) for item in items])
    except (UcumError, ArithmeticError):
        return None
    rounded = None if found is None else decimal(found)
    if unit is None or rounded is None:
        return rounded
    if power == 1:
        return Quantity(rounded, unit.unit, unit.calendar)
    return Quantity(rounded, ucum.multiply(unit.ucum, unit.ucum))


def _in_unit(value: Any, unit: Quantity | None) -> Decimal:
    if unit is None:
        return Decimal(value)
    if value.unit == unit.unit and value.calendar == unit.calendar:
        return Decimal(value.value)
    return ucum.convert(value.value, value.ucum, unit.ucum)


def _mean(values: list[Decimal]) -> Decimal:
    return CONTEXT.divide(reduce(CONTEXT.add, values), Decimal(len(values)))


def _variance(values: list[Decimal], lost: int) -> Decimal | None:
    if len(values) <= lost:
        return None
    mean = _mean(values)
    squares = (CONTEXT.multiply(d, d) for d in (CONTEXT.subtract(value, mean) for value in values))
    return CONTEXT.divide(reduce(CONTEXT.add, squares), Decimal(len(values) - lost))


def _root(value: Decimal | None) -> Decimal | None:
    return None if value is None else CONTEXT.sqrt(value)


def _geometric_mean(values: list[Decimal]) -> Decimal | None:
    if any(value <= 0 for value in values):
        return None
    return CONTEXT.exp(_mean([CONTEXT.ln(value) for value in values]))
