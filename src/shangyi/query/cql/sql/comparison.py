"""``= != < <= > >=``, ``same … as``, ``before``, ``after`` of points
(https://cql.hl7.org/09-b-cqlreference.html#comparison-operators-4).

Of what has bounds: certain where the bounds are apart, or where both are the same; else null. To a precision bounds
are cut off there, and what is not known so far is never the same as anything.
"""

from shangyi.query.cql.sql.builder import Builder, Call, truth
from shangyi.query.cql.sql.values import Value, bounds, is_null
from shangyi.query.cql.types import BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, LONG, STRING
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

_ORDERED = (INTEGER, LONG, DECIMAL, STRING, DATE, DATETIME)
_PRECISE = frozenset({"year", "month", "day", "hour", "minute", "second", "millisecond"})
Bounds = tuple[Expr, Expr]


def _compared(test: str) -> Builder:
    def build(call: Call) -> Value | None:
        left, right = call.operands
        if left.type != right.type or left.type not in (
            *_ORDERED,
            *([BOOLEAN] if test in ("eq", "ne") else []),
        ):
            return None
        if all(len(set(bounds(side))) == 1 for side in (left, right)):
            return truth(ir.call(test, *call.columns))
        precision = call.node.precision
        if precision is not None and precision not in _PRECISE:
            return None
        return truth(within_bounds(test, _cut(left, precision), _cut(right, precision), precision))

    return build


def _cut(value: Value, precision: str | None) -> Bounds:
    low, high = bounds(value)
    if precision is None or precision == "millisecond":
        return low, high
    unit = ir.text(precision)
    return ir.call("date_trunc", unit, low), ir.call("date_trunc", unit, high)


def within_bounds(test: str, a: Bounds, b: Bounds, precision: str | None) -> Expr:
    """``eq``, ``lt`` … of two ranges; null where it is open."""
    if test in ("ge", "gt"):
        a, b, test = b, a, "le" if test == "ge" else "lt"
    if test == "ne":
        return ir.call("not", within_bounds("eq", a, b, precision))
    earlier, later = ir.call("lt", a[1], b[0]), ir.call("gt", a[0], b[1])
    equal = ir.both(ir.call("eq", a[0], b[0]), ir.call("eq", a[1], b[1]))
    if precision is not None:
        equal = ir.both(equal, ir.call("eq", a[0], a[1]))
    answers = {"eq": (False, False, True), "lt": (True, False, False), "le": (True, False, True)}[test]
    whens = zip((earlier, later, equal), map(ir.Literal, answers), strict=True)
    return ir.Case(tuple(whens), ir.UNKNOWN)


def _equivalent(call: Call) -> Value | None:
    left, right = call.operands
    if left.type != right.type or left.type not in (BOOLEAN, INTEGER, LONG, DATE, DATETIME):
        return None
    neither = ir.both(is_null(left), is_null(right))
    same = within_bounds("eq", bounds(left), bounds(right), None)
    return truth(ir.either(neither, ir.certain(same)))


def _not_equivalent(call: Call) -> Value | None:
    found = _equivalent(call)
    return None if found is None else truth(ir.call("not", bounds(found)[0]))


OPERATORS: dict[str, Builder] = {
    "Equal": _compared("eq"),
    "NotEqual": _compared("ne"),
    "Less": _compared("lt"),
    "LessOrEqual": _compared("le"),
    "Greater": _compared("gt"),
    "GreaterOrEqual": _compared("ge"),
    "Before": _compared("lt"),
    "SameOrBefore": _compared("le"),
    "After": _compared("gt"),
    "SameOrAfter": _compared("ge"),
    "SameAs": _compared("eq"),
    "Equivalent": _equivalent,
    "NotEquivalent": _not_equivalent,
}
