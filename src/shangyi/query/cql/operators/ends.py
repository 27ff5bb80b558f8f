"""Start and end of an interval (https://cql.hl7.org/09-b-cqlreference.html#start).

Relations between intervals need more than null where an open boundary is null: they ask :func:`start` and
:func:`end`, which answer with an uncertainty there; what CQL's own ``start of`` and ``end of`` give is null.
"""

from typing import Any

from shangyi.query.cql.operators.boundaries import maximum, minimum, predecessor, successor
from shangyi.query.cql.values import Interval, Uncertainty


def start(value: Any) -> Any:
    """The first point of an interval; a point is its own."""
    if type(value) is not Interval:
        return value
    if value.low is not None:
        return value.low if value.low_closed else successor(value.low)
    kind = value.point_type
    if kind is None:
        return None
    least = minimum(kind, value.high)
    return least if value.low_closed else Uncertainty.between(least, _last(value, kind))


def end(value: Any) -> Any:
    """The last point of an interval."""
    if type(value) is not Interval:
        return value
    if value.high is not None:
        return value.high if value.high_closed else predecessor(value.high)
    kind = value.point_type
    if kind is None:
        return None
    greatest = maximum(kind, value.low)
    return greatest if value.high_closed else Uncertainty.between(_first(value, kind), greatest)


def _last(value: Interval, kind: str) -> Any:
    return maximum(kind) if value.high is None else end(value)


def _first(value: Interval, kind: str) -> Any:
    return minimum(kind) if value.low is None else start(value)


def start_of(value: Interval | None) -> Any:
    """``start of``: null where the boundary is not known."""
    found = start(value)
    return None if type(found) is Uncertainty else found


def end_of(value: Interval | None) -> Any:
    """``end of``."""
    found = end(value)
    return None if type(found) is Uncertainty else found
