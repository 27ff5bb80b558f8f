"""Start and end of an interval (https://cql.hl7.org/09-b-cqlreference.html#start): a closed null boundary is the
least (greatest) value of the type, an open one is not known. A point is its own start and end.
"""

from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.points import Point, point
from shangyi.query.cql.sql.shapes import choose, null, unified
from shangyi.query.cql.sql.steps import limit, step
from shangyi.query.cql.sql.values import Interval, Value, is_null
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr


def start(at: Columns, value: Value) -> Point | None:
    """The first point; None where the type has no order. Null of a null interval is up to who asks (``missing``)."""
    return _end(at, value, 0)


def end(at: Columns, value: Value) -> Point | None:
    """The last point."""
    return _end(at, value, 1)


def start_of(at: Columns, value: Value) -> Value | None:
    """``start of``: null where the boundary is not known."""
    return _known(at, value, 0)


def end_of(at: Columns, value: Value) -> Value | None:
    """``end of``."""
    return _known(at, value, 1)


def _known(at: Columns, value: Value, side: int) -> Value | None:
    found = _end(at, value, side)
    if found is None or not isinstance(value, Interval):
        return None if found is None else found.low
    hidden = ir.either(ir.certain(found.open), missing(value))
    return choose(at, hidden, null(found.low.type), found.low)


def missing(*values: Value) -> Expr:
    """Whether one of these intervals is null."""
    asked = (v for v in values if not isinstance(v, Interval) or not always_closed(v.low_closed))
    return ir.either(*(is_null(v) for v in asked if isinstance(v, Interval)))


def always_closed(closed: Expr) -> bool:
    """Whether it is written out that a boundary is closed."""
    return closed == ir.TRUE


def _end(at: Columns, value: Value, side: int) -> Point | None:
    if not isinstance(value, Interval):
        return point(value)
    own, other = (value.low, value.high) if side == 0 else (value.high, value.low)
    closed, other_closed = (
        (value.low_closed, value.high_closed) if side == 0 else (value.high_closed, value.low_closed)
    )
    furthest, inner = limit(own.type, side, other), step(own, 1 if side == 0 else -1)
    if furthest is None or inner is None:
        return None
    empty = is_null(own)
    if always_closed(closed):
        return point(choose(at, empty, furthest, own))
    definite = choose(at, empty, furthest, choose(at, closed, own, inner))
    open_ = ir.both(empty, ir.call("not", closed))
    back, opposite = step(other, -1 if side == 0 else 1), limit(own.type, 1 - side)
    assert back is not None
    assert opposite is not None
    known = choose(at, is_null(other), opposite, choose(at, other_closed, other, back))
    reach = choose(at, open_, known, definite)
    low, high = unified(at, (definite, reach) if side == 0 else (reach, definite))
    return Point(low, high, ir.certain(open_))
