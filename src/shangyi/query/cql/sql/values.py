"""What a value of CQL is in SQL: one column, or several side by side.

| CQL | columns | null where |
|---|---|---|
| Boolean, Integer, Long, String | ``v``: BOOLEAN, INTEGER, BIGINT, VARCHAR | ``v`` is |
| Decimal | ``v``: DECIMAL(28,8), all that CQL has, to the last place | ``v`` is |
| Date, Time | ``low``, ``high``: the first and the last instant that it can mean, TIMESTAMP; a Time on 1 January 1970 | ``low`` is |
| DateTime | the same in the offset of the evaluation, and ``offset``, its own in minutes, where that is another | ``low`` is |
| an Integer that comes of imprecise dates | ``low``, ``high``: its least and its greatest | ``low`` is |
| Quantity | ``value``: DECIMAL(28,8), ``unit``: a UCUM code or a calendar word (``query.sql.units``) | ``value`` is |
| Interval<T> | ``low.…``, ``high.…`` as T has them, ``low_closed``, ``high_closed`` | ``low_closed`` is |
| Code, Concept, Ratio, Tuple … | ``there`` (true or null), and each element's columns behind its name | ``there`` is |
| Choice<T, U> | each option's columns behind its name; at most one is not null | all are |
| List<T> within one row | ``v``: LIST; of what has one column of that, else of a STRUCT of its columns | ``v`` is |

The two bounds are null together, and two values of one precision are the same where both of their bounds are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from shangyi.query.cql.types import DATE, DATETIME, QUANTITY, TIME, ChoiceOf, IntervalOf, ListOf, Type
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr, SqlType

NUMBER = SqlType("DECIMAL(28,8)")
INSTANT = SqlType("TIMESTAMP")
MOMENTS = (DATE, DATETIME, TIME)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One column."""

    type: Type
    sql: Expr


@dataclass(frozen=True, slots=True)
class Range:
    """What lies from ``low`` to ``high``, both included.

    ``offset``: of a DateTime, in minutes from UTC, as it is written; null, or None, is that of the evaluation.
    """

    type: Type
    low: Expr
    high: Expr
    offset: Expr | None = None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and its unit."""

    value: Expr
    unit: Expr
    type: Type = field(default=QUANTITY)


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``low`` to ``high``; a boundary that is null is the type's least (greatest) or, open, not known."""

    type: IntervalOf
    low: "Value"
    high: "Value"
    low_closed: Expr
    high_closed: Expr


@dataclass(frozen=True, slots=True)
class Structure:
    """Named elements: a Tuple, Code, Concept, Ratio. ``there``: true, or null where there is none."""

    type: Type
    elements: tuple[tuple[str, "Value"], ...]
    there: Expr

    def element(self, name: str) -> "Value | None":
        """An element by its name."""
        return next((value for own, value in self.elements if own == name), None)


@dataclass(frozen=True, slots=True)
class Listed:
    """A LIST within one row (``shapes.items`` opens it)."""

    type: ListOf
    sql: Expr


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of one of several types."""

    type: ChoiceOf
    options: tuple["Value", ...]


Value: TypeAlias = Scalar | Range | Quantity | Interval | Structure | Listed | Choice


def bounds(value: Value) -> tuple[Expr, Expr]:
    """The least and the greatest that a point can be."""
    if isinstance(value, Range):
        return value.low, value.high
    assert isinstance(value, Scalar | Listed), value
    return value.sql, value.sql


def parts(value: Value) -> Iterator[tuple[str, Expr]]:
    """The columns of a value by their names; those of a part stand behind the part's name and a point."""
    match value:
        case Scalar() | Listed():
            yield "v", value.sql
        case Range():
            yield from (("low", value.low), ("high", value.high))
            if value.offset is not None:
                yield "offset", value.offset
        case Quantity():
            yield from (("value", value.value), ("unit", value.unit))
        case Interval():
            yield from _within("low", value.low)
            yield from _within("high", value.high)
            yield from (("low_closed", value.low_closed), ("high_closed", value.high_closed))
        case Structure():
            yield "there", value.there
            for name, element in value.elements:
                yield from _within(name, element)
        case Choice():
            for option in value.options:
                yield from _within(str(option.type), option)


def _within(name: str, value: Value) -> Iterator[tuple[str, Expr]]:
    return ((f"{name}.{part}", sql) for part, sql in parts(value))


def rebuilt(value: Value, columns: Iterator[Expr]) -> Value:
    """A value of the same shape with other columns, in the order of ``parts``."""
    match value:
        case Scalar() | Listed():
            return replace(value, sql=next(columns))
        case Range():
            low, high = next(columns), next(columns)
            return replace(value, low=low, high=high, offset=value.offset and next(columns))
        case Quantity():
            return replace(value, value=next(columns), unit=next(columns))
        case Interval():
            low_end, high_end = rebuilt(value.low, columns), rebuilt(value.high, columns)
            return Interval(value.type, low_end, high_end, next(columns), next(columns))
        case Structure():
            there = next(columns)
            elements = tuple((name, rebuilt(element, columns)) for name, element in value.elements)
            return Structure(value.type, elements, there)
        case Choice():
            return Choice(value.type, tuple(rebuilt(option, columns) for option in value.options))


def is_null(value: Value) -> Expr:
    """Whether there is no value."""
    match value:
        case Interval():
            return ir.is_null(value.low_closed)
        case Structure():
            return ir.is_null(value.there)
        case Choice():
            return ir.both(*map(is_null, value.options))
    return ir.is_null(next(parts(value))[1])


def chosen(values: Sequence[Value], choose: Callable[[tuple[Expr, ...]], Expr]) -> Value:
    """One of several values of a type and shape (``shapes.unified``), each column by itself."""
    rows = [[sql for _, sql in parts(value)] for value in values]
    return rebuilt(values[0], iter([choose(column) for column in zip(*rows, strict=True)]))


def when(condition: Expr, value: Value, otherwise: Value) -> Value:
    """A value, or another of its type and shape."""
    return chosen((value, otherwise), lambda pair: ir.when(condition, *pair))
