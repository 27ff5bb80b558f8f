"""Literals as columns."""

from datetime import datetime, timedelta
from decimal import Decimal

from shangyi.query import temporal
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.shapes import column_type
from shangyi.query.cql.sql.values import INSTANT, NUMBER, Quantity, Range, Scalar, Value
from shangyi.query.cql.types import Type
from shangyi.query.cql.values.numbers import DECIMAL_MAX, decimal
from shangyi.query.quantity import Quantity as Measure
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr
from shangyi.query.temporal import Temporal

MIDNIGHT = datetime(1970, 1, 1)
"""The day that times of day are on."""
_MILLISECOND = timedelta(milliseconds=1)


def literal(value: object, type_: Type, offset: int) -> Value:
    """A constant. ``offset``: of the evaluation, in minutes from UTC."""
    if isinstance(value, Temporal):
        low, high = map(instant, ends(value, offset))
        return Range(type_, low, high, _own_offset(value, offset))
    if isinstance(value, Measure):
        return Quantity(_decimal(value.value), ir.text(value.unit))
    of = column_type(type_)
    if isinstance(value, bool | str):
        return Scalar(type_, ir.Literal(value))
    if isinstance(value, Decimal):
        return Scalar(type_, _decimal(value))
    if isinstance(value, int):
        return Scalar(type_, ir.Cast(ir.text(str(int(value))), of))
    raise NoForm("{type} has no form in SQL yet", type=str(type_))


def _decimal(value: Decimal) -> Expr:
    if decimal(value) != value or abs(value) > DECIMAL_MAX:
        raise NoForm(
            "SQL has decimals of 20 digits before the point and 8 behind it, not {value}", value=value
        )
    return ir.Cast(ir.text(f"{value:f}"), NUMBER)


def _own_offset(value: Temporal, offset: int) -> Expr | None:
    if value.offset is None or value.offset == offset or len(value.parts) < 4:
        return None
    return ir.number(value.offset)


def instant(moment: datetime) -> Expr:
    """A TIMESTAMP."""
    return ir.Cast(ir.text(moment.isoformat(" ", "milliseconds")), INSTANT)


def ends(value: Temporal, offset: int) -> tuple[datetime, datetime]:
    """The first and the last instant of a Date (to the day), DateTime or Time (to the millisecond), in an offset."""
    low, high = _instant(value, temporal.lowest(value)), _instant(value, temporal.highest(value))
    if value.kind == "Date":
        return low, high.replace(hour=0, minute=0, second=0, microsecond=0)
    if not value.has_fraction and len(value.parts) + value.first == 6:
        high = low + 999 * _MILLISECOND
    if value.offset is None or len(value.parts) < 4:
        return low, high
    shift = timedelta(minutes=offset - value.offset)
    return low + shift, high + shift


def _instant(value: Temporal, parts: tuple[int | Decimal, ...]) -> datetime:
    whole = (MIDNIGHT.year, 1, 1, *parts) if value.first else parts
    year, month, day, hour, minute = (int(p) for p in (*whole, 0, 0, 0)[:5])
    seconds = Decimal(whole[5]) if len(whole) > 5 else Decimal(0)
    return datetime(year, month, day, hour, minute) + int(seconds * 1000) * _MILLISECOND
