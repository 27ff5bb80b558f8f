"""Aggregates over the items of a list that are not null (https://cql.hl7.org/09-b-cqlreference.html#aggregate-functions).

Of nothing the result is null, but for Count (0), AllTrue (true) and AnyTrue (false). Sums are exact; square roots and
logarithms are those of DOUBLE, 15 digits.
"""

from collections.abc import Callable

from shangyi.query.cql.sql import quantity
from shangyi.query.cql.sql.builder import Builder, Call, integer, truth
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.equality import equal, every
from shangyi.query.cql.sql.lists import at_place, known, length
from shangyi.query.cql.sql.points import less, point
from shangyi.query.cql.sql.shapes import bound, choose, column_type, item, null, packed, unpacked, whole
from shangyi.query.cql.sql.values import NUMBER, Listed, Quantity, Scalar, Value, bounds
from shangyi.query.cql.types import ANY, BOOLEAN, DECIMAL, INTEGER, LONG, QUANTITY, STRING, ListOf
from shangyi.query.sql import ir, units
from shangyi.query.sql.ir import Expr, SqlType

_ZERO, _ONE = ir.number(0), ir.number(1)
_WIDE = {INTEGER: SqlType("DECIMAL(38,0)"), LONG: SqlType("DECIMAL(38,0)"), DECIMAL: SqlType("DECIMAL(38,8)")}
_SQUARE = SqlType("DECIMAL(38,16)")
Compute = Callable[[Columns, Listed], Value | None]


def _over(compute: Compute, of_nothing: Value | None = None) -> Builder:
    """Of the items that are not null."""

    def build(call: Call) -> Value | None:
        (source,) = call.operands
        if source.type == ANY or (isinstance(source, Listed) and source.type.element == ANY):
            return of_nothing if of_nothing is not None else null(call.node.type)
        if not isinstance(source, Listed):
            return None
        items = known(call.at, source)
        if compute(call.at, items) is None:
            return None

        def found(opened: tuple[Value, ...]) -> Value:
            (own,) = opened
            assert isinstance(own, Listed)
            made = compute(call.at, own)
            assert made is not None
            if of_nothing is not None:
                return made
            there = ir.certain(ir.call("gt", length(own), _ZERO))
            return choose(call.at, there, made, null(made.type))

        return bound(call.at, (items,), found)

    return build


def _count(at: Columns, items: Listed) -> Value:
    return integer(ir.Cast(ir.call("coalesce", length(items), _ZERO), ir.INT))


def _all_true(at: Columns, items: Listed) -> Value | None:
    return truth(every(at, items.sql)) if items.type.element == BOOLEAN else None


def _any_true(at: Columns, items: Listed) -> Value | None:
    if items.type.element != BOOLEAN:
        return None
    return truth(ir.certain(ir.call("list_contains", items.sql, ir.TRUE)))


def folded(at: Columns, items: Listed, initial: Value, step: Callable[[Value, Value], Value]) -> Value:
    """A value carried from item to item."""
    so_far, each = at.fresh(), at.fresh()
    start = whole(initial)
    body = packed(whole(step(unpacked(start, so_far), item(items.type.element, each))))
    return unpacked(start, ir.call("list_fold", items.sql, packed(start), ir.Lambda((so_far, each), body)))


def _reduced(at: Columns, items: Listed, step: Callable[[Value, Value], Value]) -> Value:
    rest = Listed(items.type, ir.call("list_from", items.sql, _ONE))
    return folded(at, rest, at_place(items, _ZERO), step)


def _total(
    numbers: Listed, of: SqlType, term: Callable[[Expr], Expr] = lambda x: x
) -> Callable[[Columns], Expr]:
    def write(at: Columns) -> Expr:
        so_far, each = at.fresh(), at.fresh()
        body = ir.Cast(ir.call("add", so_far, ir.Cast(term(each), of)), of)
        start = ir.Cast(_ZERO, of)
        return ir.call("list_fold", numbers.sql, start, ir.Lambda((so_far, each), body))

    return write


def _sum(at: Columns, items: Listed) -> Value | None:
    element = items.type.element
    if element in _WIDE:
        found = _total(items, _WIDE[element])(at)
        return Scalar(element, ir.Cast(ir.call("try", found), column_type(element), safe=True))
    return _reduced(at, items, lambda a, b: _sum_of_two(at, a, b)) if element == QUANTITY else None


def _sum_of_two(at: Columns, left: Value, right: Value) -> Value:
    assert isinstance(left, Quantity)
    assert isinstance(right, Quantity)
    return quantity.calculated(at, "Add", left, right) or null(QUANTITY)


def _in_one_unit(at: Columns, items: Listed) -> Listed | None:
    """The numbers of quantities; null where one is in another unit than the first."""
    if items.type.element != QUANTITY:
        return None
    each = at.fresh()
    own, first = item(QUANTITY, each), at_place(items, _ZERO)
    assert isinstance(own, Quantity)
    assert isinstance(first, Quantity)
    number = quantity.in_unit(at, own, first.unit)
    assert isinstance(number, Quantity)
    return Listed(ListOf(DECIMAL), ir.call("list_map", items.sql, ir.Lambda((each,), number.value)))


def _with_unit(
    at: Columns, items: Listed, values: Listed, compute: Compute, *, squared: bool = False
) -> Value | None:
    """What ``compute`` gives of the numbers, in the unit of the first or its square; null of what does not convert."""
    first = at_place(items, _ZERO)
    assert isinstance(first, Quantity)

    def made(opened: tuple[Value, ...]) -> Value:
        numbers, own = opened
        assert isinstance(numbers, Listed)
        assert isinstance(own, Quantity)
        found = compute(at, numbers)
        assert found is not None
        alike = ir.call("eq", length(known(at, numbers)), length(numbers))
        code = units.named(own.unit)
        unit = units.product(code, code) if squared else own.unit
        return Quantity(ir.Case(((alike, bounds(found)[0]),)), unit)

    return bound(at, (values, first), made)


def _product(at: Columns, items: Listed) -> Value | None:
    element = items.type.element
    if element not in _WIDE:
        return None
    of = column_type(element)
    wide = SqlType("DECIMAL(38,16)") if element == DECIMAL else SqlType("DECIMAL(38,0)")

    def step(so_far: Value, each: Value) -> Value:
        pair = (bounds(so_far)[0], bounds(each)[0])
        if element != DECIMAL:
            pair = (ir.Cast(pair[0], SqlType("DECIMAL(19,0)")), ir.Cast(pair[1], SqlType("DECIMAL(19,0)")))
        return Scalar(element, ir.Cast(ir.Cast(ir.call("mul", *pair), wide), of, safe=True))

    return _reduced(at, items, step)


def _extreme(side: int) -> Compute:
    def compute(at: Columns, items: Listed) -> Value | None:
        element = items.type.element
        if element in (INTEGER, LONG, DECIMAL, STRING):
            return Scalar(element, ir.call("list_min" if side == 0 else "list_max", items.sql))
        if point(null(element)) is None:
            return None

        def first(a: Value, b: Value) -> Expr:
            pair = (point(a), point(b)) if side == 0 else (point(b), point(a))
            assert pair[0] is not None
            assert pair[1] is not None
            return less(at, pair[0], pair[1])

        found = _reduced(
            at, items, lambda so_far, each: choose(at, ir.certain(first(each, so_far)), each, so_far)
        )

        def certain(opened: tuple[Value, ...]) -> Value:
            (best,) = opened
            each = at.fresh()
            later = ir.call("not", first(item(element, each), best))
            sure = every(at, ir.call("list_map", items.sql, ir.Lambda((each,), later)))
            return choose(at, ir.certain(sure), best, null(element))

        return bound(at, (found,), certain)

    return compute


def _mean(at: Columns, items: Listed) -> Value | None:
    if items.type.element != DECIMAL:
        values = _in_one_unit(at, items)
        return None if values is None else _with_unit(at, items, values, _mean)
    total = ir.Cast(ir.call("try", _total(items, _WIDE[DECIMAL])(at)), NUMBER, safe=True)
    count = ir.call("nullif", length(items), _ZERO)
    return Scalar(DECIMAL, ir.call("places_divide", total, ir.Cast(count, NUMBER)))


def _variance(lost: int, root: bool) -> Compute:
    """(n Σx² - (Σx)²) / n(n - 1), or by n² of a population."""

    def compute(at: Columns, items: Listed) -> Value | None:
        if items.type.element != DECIMAL:
            values = _in_one_unit(at, items)
            return None if values is None else _with_unit(at, items, values, compute, squared=not root)
        n = ir.Cast(length(items), SqlType("DECIMAL(10,0)"))
        squares = _total(items, _SQUARE, lambda x: ir.call("mul", x, x))(at)
        total = ir.Cast(_total(items, _WIDE[DECIMAL])(at), NUMBER)

        def made(opened: tuple[Value, ...]) -> Value:
            count, of_squares, of_all = (bounds(value)[0] for value in opened)
            several = ir.call(
                "sub",
                ir.Cast(ir.call("mul", count, of_squares), _SQUARE),
                ir.Cast(ir.call("mul", of_all, of_all), _SQUARE),
            )
            by = ir.call("mul", count, ir.call("sub", count, ir.number(lost)))
            found = ir.call(
                "decimal_divide",
                ir.Cast(several, ir.NUMBER),
                ir.Cast(ir.call("nullif", by, _ZERO), ir.NUMBER),
            )
            if root:
                found = ir.call("sqrt", ir.Cast(found, ir.DOUBLE))
            return Scalar(DECIMAL, ir.Cast(found, NUMBER, safe=True))

        ready = (
            Scalar(DECIMAL, n),
            Scalar(DECIMAL, ir.call("try", squares)),
            Scalar(DECIMAL, ir.call("try", total)),
        )
        return bound(at, ready, made)

    return compute


def _geometric_mean(at: Columns, items: Listed) -> Value | None:
    if items.type.element != DECIMAL:
        return None
    so_far, each = at.fresh(), at.fresh()
    logarithm = ir.call("ln", ir.Cast(ir.Case(((ir.call("gt", each, _ZERO), each),)), ir.DOUBLE))
    start = ir.Cast(_ZERO, ir.DOUBLE)
    total = ir.call(
        "list_fold", items.sql, start, ir.Lambda((so_far, each), ir.call("add", so_far, logarithm))
    )
    mean = ir.call("exp", ir.call("div", total, ir.Cast(ir.call("nullif", length(items), _ZERO), ir.DOUBLE)))
    return Scalar(DECIMAL, ir.Cast(mean, NUMBER, safe=True))


def _median(at: Columns, items: Listed) -> Value | None:
    if items.type.element != DECIMAL:
        return None
    half = ir.call("quotient", length(items), ir.number(2))
    even = ir.call("eq", ir.call("mod", length(items), ir.number(2)), _ZERO)
    ordered = Listed(items.type, ir.call("list_sorted", items.sql))

    def made(opened: tuple[Value, ...]) -> Value:
        (own,) = opened
        assert isinstance(own, Listed)
        upper = bounds(at_place(own, half))[0]
        lower = bounds(at_place(own, ir.call("sub", half, _ONE)))[0]
        both = ir.call(
            "places_divide",
            ir.Cast(ir.call("add", lower, upper), NUMBER, safe=True),
            ir.Cast(ir.number(2), NUMBER),
        )
        return Scalar(DECIMAL, ir.Case(((even, both),), upper))

    return bound(at, (ordered,), made)


def _mode(at: Columns, items: Listed) -> Value:
    """The one that occurs most often; of several the first."""
    outer, inner = at.fresh(), at.fresh()
    element = items.type.element
    same = ir.certain(equal(at, item(element, inner), item(element, outer)))
    alike = ir.call("list_length", ir.call("list_filter", items.sql, ir.Lambda((inner,), same)))
    counts = Listed(items.type, ir.call("list_map", items.sql, ir.Lambda((outer,), alike)))

    def made(opened: tuple[Value, ...]) -> Value:
        (own,) = opened
        assert isinstance(own, Listed)
        place = ir.call("list_position", own.sql, ir.call("list_max", own.sql))
        return at_place(items, ir.call("sub", place, _ONE))

    return bound(at, (counts,), made)


OPERATORS: dict[str, Builder] = {
    "Count": _over(_count, integer(_ZERO)),
    "AllTrue": _over(_all_true, truth(ir.TRUE)),
    "AnyTrue": _over(_any_true, truth(ir.FALSE)),
    "Sum": _over(_sum),
    "Product": _over(_product),
    "Min": _over(_extreme(0)),
    "Max": _over(_extreme(1)),
    "Avg": _over(_mean),
    "Median": _over(_median),
    "Mode": _over(_mode),
    "GeometricMean": _over(_geometric_mean),
    "Variance": _over(_variance(1, root=False)),
    "PopulationVariance": _over(_variance(0, root=False)),
    "StdDev": _over(_variance(1, root=True)),
    "PopulationStdDev": _over(_variance(0, root=True)),
}
