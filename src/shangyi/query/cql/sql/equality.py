"""``=`` and ``~`` of all types, membership by them (https://cql.hl7.org/09-b-cqlreference.html#equal, #equivalent)."""

from collections.abc import Callable, Sequence

from shangyi.query.cql.sql import ends, points, quantity
from shangyi.query.cql.sql.builder import Builder, Call, truth
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.shapes import bound, item, unified
from shangyi.query.cql.sql.values import (
    Choice,
    Interval,
    Listed,
    Quantity,
    Scalar,
    Structure,
    Value,
    bounds,
    is_null,
)
from shangyi.query.cql.types import ANY, BOOLEAN, CODE, CONCEPT, DECIMAL, INTEGER, LONG, RATIO, STRING
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

Test = Callable[[Columns, Value, Value], Expr]
_NUMBERS = (INTEGER, LONG, DECIMAL)


def equal(at: Columns, left: Value, right: Value) -> Expr:
    """``left = right``; null where one is, or precision leaves it open."""
    if ANY in (left.type, right.type):
        return ir.UNKNOWN
    return _answered(at, left, right, _equal)


def _answered(at: Columns, left: Value, right: Value, test: Test) -> Expr:
    """A test of two values in one type, each written once."""
    one, other = unified(at, (left, right))
    found = bound(at, (one, other), lambda pair: truth(test(at, pair[0], pair[1])))
    assert isinstance(found, Scalar)
    return found.sql


def _equal(at: Columns, left: Value, right: Value) -> Expr:
    found = points.equal(at, left, right)
    if found is not None:
        return found
    neither = ir.either(is_null(left), is_null(right))
    return ir.Case(((neither, ir.UNKNOWN),), _structures(at, left, right))


def _structures(at: Columns, left: Value, right: Value) -> Expr:
    match left, right:
        case Interval(), Interval():
            sides = [(pick(at, left), pick(at, right)) for pick in (ends.start, ends.end)]
            return _all([points.same(at, a, b) for a, b in sides if a is not None and b is not None])
        case Structure(), Structure():
            elements = zip(left.elements, right.elements, strict=True)
            return _all([equal_or_both_null(at, a, b) for (_, a), (_, b) in elements])
        case Listed(), Listed():
            return _lists(at, left, right, equal_or_both_null)
        case Choice(), Choice():
            return _choices(at, left, right)
    raise NoForm("{node} of {types} has no form in SQL yet", node="Equal", types=f"{left.type}, {right.type}")


def _all(found: Sequence[Expr]) -> Expr:
    return ir.call("and", *found) if len(found) > 1 else found[0] if found else ir.TRUE


def _choices(at: Columns, left: Choice, right: Choice) -> Expr:
    """Of one type by its equality, numbers by their value; of two types never equal."""
    whens = []
    for one in left.options:
        for other in right.options:
            if one.type == other.type or (one.type in _NUMBERS and other.type in _NUMBERS):
                there = ir.both(ir.call("not", is_null(one)), ir.call("not", is_null(other)))
                same = (
                    ir.call("eq", *(bounds(v)[0] for v in (one, other)))
                    if one.type != other.type
                    else equal(at, one, other)
                )
                whens.append((there, same))
    return ir.Case(tuple(whens), ir.FALSE)


def equal_or_both_null(at: Columns, left: Value, right: Value) -> Expr:
    """As members of lists and tuples have it."""
    if ANY in (left.type, right.type):
        return ir.when(ir.both(is_null(left), is_null(right)), ir.TRUE, ir.UNKNOWN)

    def test(at: Columns, a: Value, b: Value) -> Expr:
        return ir.Case(((ir.both(is_null(a), is_null(b)), ir.TRUE),), _equal(at, a, b))

    return _answered(at, left, right, test)


# --- Lists


def _lists(at: Columns, left: Listed, right: Listed, test: Test) -> Expr:
    """As long as each other, and item by item."""
    index = at.fresh()
    size = ir.call("list_length", left.sql)
    a, b = (item(v.type.element, ir.call("list_at", v.sql, index)) for v in (left, right))
    found = ir.call(
        "list_map", ir.call("list_range", ir.number(0), size), ir.Lambda((index,), test(at, a, b))
    )
    same_size = ir.call("eq", size, ir.call("list_length", right.sql))
    return ir.Case(((ir.call("not", same_size), ir.FALSE),), every(at, found))


def every(at: Columns, booleans: Expr) -> Expr:
    """The conjunction of a LIST of Booleans; true of none."""
    return _ranked(at, booleans, "list_min", 2)


def some(at: Columns, booleans: Expr) -> Expr:
    """The disjunction of a LIST of Booleans; false of none."""
    return _ranked(at, booleans, "list_max", 0)


def _ranked(at: Columns, booleans: Expr, extreme: str, of_none: int) -> Expr:
    each = at.fresh()
    rank = ir.Case(((each, ir.number(2)), (ir.is_null(each), ir.number(1))), ir.number(0))
    found = ir.call(extreme, ir.call("list_map", booleans, ir.Lambda((each,), rank)))
    answers = ir.Listed((ir.FALSE, ir.UNKNOWN, ir.TRUE))
    return ir.call("list_at", answers, ir.call("coalesce", found, ir.number(of_none)))


# --- Equivalence


def equivalent(at: Columns, left: Value, right: Value) -> Expr:
    """``left ~ right``: always true or false; two nulls are equivalent."""
    if ANY in (left.type, right.type):
        return ir.both(is_null(left), is_null(right))

    def test(at: Columns, a: Value, b: Value) -> Expr:
        none, one = ir.both(is_null(a), is_null(b)), ir.either(is_null(a), is_null(b))
        return ir.Case(((none, ir.TRUE), (one, ir.FALSE)), ir.certain(_equivalent(at, a, b)))

    return _answered(at, left, right, test)


def _equivalent(at: Columns, left: Value, right: Value) -> Expr:
    match left, right:
        case Scalar(type=type_), Scalar() if type_ == STRING:
            return ir.call("eq", _folded(left.sql), _folded(right.sql))
        case Scalar(type=type_), Scalar() if type_ == DECIMAL:
            return quantity.alike(at, left.sql, right.sql)
        case Scalar(type=type_), Scalar() if type_ in (BOOLEAN, INTEGER, LONG):
            return ir.call("eq", left.sql, right.sql)
        case Quantity(), Quantity():
            return quantity.equivalent(at, left, right)
        case Interval(), Interval():
            sides = [(pick(at, left), pick(at, right)) for pick in (ends.start_of, ends.end_of)]
            return _all([equivalent(at, a, b) for a, b in sides if a is not None and b is not None])
        case Listed(), Listed():
            return _lists(at, left, right, equivalent)
        case Structure(), Structure():
            return _equivalent_structures(at, left, right)
        case Choice(), Choice():
            pairs = [(a, b) for a, b in zip(left.options, right.options, strict=True)]
            return _all([equivalent(at, a, b) for a, b in pairs])
    return _equal(at, left, right)


def _equivalent_structures(at: Columns, left: Structure, right: Structure) -> Expr:
    a, b = dict(left.elements), dict(right.elements)
    if left.type == CODE:
        same = [ir.call("same", bounds(a[name])[0], bounds(b[name])[0]) for name in ("code", "system")]
        return ir.both(*same)
    if left.type == CONCEPT:
        return _share_a_code(at, a["codes"], b["codes"])
    if left.type == RATIO:
        one, other = (
            quantity.divided(*(q for q in (v["numerator"], v["denominator"]) if isinstance(q, Quantity)))
            for v in (a, b)
        )
        return quantity.compare(at, "eq", one, other)
    return _all([equivalent(at, a[name], b[name]) for name in a])


def _share_a_code(at: Columns, left: Value, right: Value) -> Expr:
    assert isinstance(left, Listed)
    assert isinstance(right, Listed)
    outer, inner = at.fresh(), at.fresh()
    one, other = item(CODE, outer), item(CODE, inner)
    test = ir.both(ir.call("not", is_null(one)), equivalent(at, one, other))
    within = some(at, ir.call("list_map", right.sql, ir.Lambda((inner,), test)))
    return some(at, ir.call("list_map", left.sql, ir.Lambda((outer,), within)))


def _folded(text: Expr) -> Expr:
    """Without case, and every white space a blank."""
    return ir.call("replace_matches", ir.call("lower", text), ir.text(r"\s"), ir.text(" "), ir.text("s"))


def _operator(test: Test, *, negated: bool = False) -> Builder:
    def build(call: Call) -> Value | None:
        found = test(call.at, *call.operands)
        return truth(ir.call("not", found) if negated else found)

    return build


OPERATORS: dict[str, Builder] = {
    "Equal": _operator(equal),
    "NotEqual": _operator(equal, negated=True),
    "Equivalent": _operator(equivalent),
    "NotEquivalent": _operator(equivalent, negated=True),
}
