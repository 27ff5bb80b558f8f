"""The System type that a value is of."""

from decimal import Decimal
from typing import Any

from shangyi.query.cql.values.numbers import Long
from shangyi.query.cql.values.uncertainty import Uncertainty
from shangyi.query.quantity import Quantity
from shangyi.query.temporal import Date, DateTime, Time

_POINTS: dict[type, str] = {
    int: "Integer",
    Long: "Long",
    Decimal: "Decimal",
    Quantity: "Quantity",
    Date: "Date",
    DateTime: "DateTime",
    Time: "Time",
}


def point_type(value: Any) -> str | None:
    """The name of an ordered type with steps, which an interval can be over; None of any other value."""
    if type(value) is Uncertainty:
        value = value.low
    return _POINTS.get(type(value))
