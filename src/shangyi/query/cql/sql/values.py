"""What a value of CQL is in SQL: one column, or two for what is known within bounds only.

| CQL | SQL |
|---|---|
| Boolean, Integer, Long, String | BOOLEAN, INTEGER, BIGINT, VARCHAR |
| Decimal | DECIMAL(28,8): all that CQL has, to the last place |
| Date, DateTime | the first and the last instant that it can mean, TIMESTAMP in the offset of the evaluation |
| an Integer that comes of imprecise dates | its least and its greatest |

The two bounds are null together, and two values of one precision are the same where both of their bounds are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from shangyi.query import temporal
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.types import ANY, BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, LONG, STRING, Type
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr, SqlType
from shangyi.query.temporal import Temporal

NUMBER = SqlType("DECIMAL(28,8)")
INSTANT = SqlType("TIMESTAMP")
_COLUMNS: dict[Type, SqlType] = {
    BOOLEAN: ir.BOOL,
    INTEGER: ir.INT,
    LONG: ir.LONG,
    DECIMAL: NUMBER,
    STRING: ir.TEXT,
    DATE: INSTANT,
    DATETIME: INSTANT,
    ANY: ir.TEXT,
}
MOMENTS = (DATE, DATETIME)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One column."""

    type: Type
    sql: Expr


@dataclass(frozen=True, slots=True)
class Range:
    """What lies from ``low`` to ``high``, both included."""

    type: Type
    low: Expr
    high: Expr


Value: TypeAlias = Scalar | Range


def column_type(type_: Type) -> SqlType:
    """The SQL type of a column, or of each of two."""
    found = _COLUMNS.get(type_)
    if found is None:
        raise NoForm("{type} has no form in SQL yet", type=str(type_))
    return found


def bounds(value: Value) -> tuple[Expr, Expr]:
    """The least and the greatest that a value can be."""
    return (value.low, value.high) if isinstance(value, Range) else (value.sql, value.sql)


def null(type_: Type) -> Value:
    """No value."""
    nothing = ir.null(column_type(type_))
    return Range(type_, nothing, nothing) if type_ in MOMENTS else Scalar(type_, nothing)


def is_null(value: Value) -> Expr:
    """Whether there is no value."""
    return ir.is_null(bounds(value)[0])


def literal(value: object, type_: Type, offset: int) -> Value:
    """A constant. ``offset``: of the evaluation, in minutes from UTC."""
    of = column_type(type_)
    if isinstance(value, Temporal):
        low, high = (ir.Cast(ir.text(_written(x)), INSTANT) for x in ends(value, offset))
        return Range(type_, low, high)
    if isinstance(value, bool | str):
        return Scalar(type_, ir.Literal(value))
    if isinstance(value, Decimal):
        return Scalar(type_, ir.Cast(ir.text(f"{value:f}"), of))
    if isinstance(value, int):
        return Scalar(type_, ir.Cast(ir.text(str(int(value))), of))
    raise NoForm("{type} has no form in SQL yet", type=str(type_))


def ends(value: Temporal, offset: int) -> tuple[datetime, datetime]:
    """The first and the last instant of a Date (to the day) or DateTime (to the millisecond), in an offset."""
    low, high = _instant(temporal.lowest(value)), _instant(temporal.highest(value))
    if value.kind == "Date":
        return low, high.replace(hour=0, minute=0, second=0, microsecond=0)
    if not value.has_fraction and len(value.parts) == 6:
        high = low + 999 * _MILLISECOND
    if value.offset is None or len(value.parts) < 4:
        return low, high
    shift = timedelta(minutes=offset - value.offset)
    return low + shift, high + shift


def _instant(parts: tuple[int | Decimal, ...]) -> datetime:
    year, month, day, hour, minute = (int(p) for p in (*parts, 0, 0, 0)[:5])
    seconds = Decimal(parts[5]) if len(parts) > 5 else Decimal(0)
    return datetime(year, month, day, hour, minute) + int(seconds * 1000) * _MILLISECOND


def _written(moment: datetime) -> str:
    return moment.isoformat(" ", "milliseconds")


def chosen(values: tuple[Value, ...], choose: Callable[[tuple[Expr, ...]], Expr]) -> Value:
    """One of several values of a type, each bound by itself."""
    type_ = values[0].type
    if all(isinstance(value, Scalar) for value in values):
        return Scalar(type_, choose(tuple(bounds(value)[0] for value in values)))
    pairs = [bounds(value) for value in values]
    return Range(type_, choose(tuple(low for low, _ in pairs)), choose(tuple(high for _, high in pairs)))
