"""``< <= > >=``, and ``same … as``, ``before``, ``after`` of points
(https://cql.hl7.org/09-b-cqlreference.html#comparison-operators-4).
"""

from collections.abc import Callable

from shangyi.query.cql.sql.builder import Builder, Call, truth
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.points import Point, Precision, less, less_or_equal, point, same
from shangyi.query.cql.sql.shapes import bound
from shangyi.query.cql.sql.values import Value
from shangyi.query.sql.ir import Expr

Comparison = Callable[[Columns, Point, Point, Precision], Expr]


def compared(test: Comparison, *, turned: bool = False) -> Builder:
    """A comparison of two points of one type; None of what has no order."""

    def build(call: Call) -> Value | None:
        left, right = reversed(call.operands) if turned else call.operands
        if left.type != right.type or point(left) is None:
            return None

        def answer(pair: tuple[Value, ...]) -> Value:
            a, b = map(point, pair)
            assert a is not None
            assert b is not None
            return truth(test(call.at, a, b, call.node.precision))

        return bound(call.at, (left, right), answer)

    return build


OPERATORS: dict[str, Builder] = {
    "Less": compared(less),
    "LessOrEqual": compared(less_or_equal),
    "Greater": compared(less, turned=True),
    "GreaterOrEqual": compared(less_or_equal, turned=True),
    "Before": compared(less),
    "SameOrBefore": compared(less_or_equal),
    "After": compared(less, turned=True),
    "SameOrAfter": compared(less_or_equal, turned=True),
    "SameAs": compared(same),
}
