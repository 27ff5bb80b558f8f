"""Lists within one row (https://cql.hl7.org/09-b-cqlreference.html#list-operators-2); positions count from 0.

Members are compared by equality, in which two nulls are equal; where precision leaves it open whether a member is
equal, so is the answer.
"""

from collections.abc import Callable

from shangyi.query.cql.sql.builder import Builder, Call, integer, one, string, truth
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.equality import equal, equal_or_both_null, every, some
from shangyi.query.cql.sql.shapes import (
    bound,
    choose,
    filtered,
    item,
    null,
    packed_type,
    unified,
)
from shangyi.query.cql.sql.values import Listed, Value, bounds, is_null
from shangyi.query.cql.types import ANY, INTEGER, STRING, ListOf
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

_ZERO, _ONE = ir.number(0), ir.number(1)


def _on_list(build: Callable[[Columns, Listed], Value | None], of_null: Value | None = None) -> Builder:
    """Of one list; of an untyped null what it is of a null list."""

    def made(call: Call) -> Value | None:
        (value,) = call.operands
        if value.type == ANY:
            return of_null if of_null is not None else null(call.node.type)
        if not isinstance(value, Listed):
            return None
        return bound(call.at, (value,), lambda opened: _required(build(call.at, _list(opened[0]))))

    return made


def _required(value: Value | None) -> Value:
    assert value is not None
    return value


def _list(value: Value) -> Listed:
    assert isinstance(value, Listed)
    return value


def known(at: Columns, items: Listed) -> Listed:
    """The items that are not null."""
    return filtered(at, items, lambda each: ir.call("not", is_null(each)))


def length(items: Listed) -> Expr:
    """How many items."""
    return ir.call("list_length", items.sql)


def at_place(items: Listed, place: Expr) -> Value:
    """The item at a place that is in the list."""
    return item(items.type.element, ir.call("list_at", items.sql, place))


def _exists(at: Columns, items: Listed) -> Value:
    return truth(ir.certain(ir.call("gt", length(known(at, items)), _ZERO)))


def _last(at: Columns, items: Listed) -> Value:
    return item(items.type.element, ir.call("list_last", items.sql))


def _only(at: Columns, items: Listed) -> Value:
    several = ir.certain(ir.call("gt", length(items), _ONE))
    return choose(at, several, null(items.type.element), at_place(items, _ZERO))


def _flatten(at: Columns, items: Listed) -> Value | None:
    inner = items.type.element
    if inner == ANY:
        empty = ir.Listed((), packed_type(ANY))
        return Listed(ListOf(ANY), ir.Case(((ir.is_there(items.sql), empty),)))
    if not isinstance(inner, ListOf):
        return None
    each = filtered(at, items, lambda one: ir.call("not", is_null(one)))
    return Listed(inner, ir.call("flatten", each.sql))


def _length(call: Call) -> Value | None:
    (value,) = call.operands
    if not isinstance(value, Listed):
        return None
    return integer(ir.Cast(ir.call("coalesce", length(value), _ZERO), ir.INT))


def _coalesce(call: Call) -> Value | None:
    if len(call.operands) != 1 or not isinstance(call.operands[0], Listed):
        return None
    return at_place(known(call.at, call.operands[0]), _ZERO)


def _combine(call: Call) -> Value | None:
    texts, *rest = call.operands
    if not isinstance(texts, Listed) or texts.type.element not in (STRING, ANY):
        return null(STRING) if texts.type == ANY else None
    separator = ir.call("coalesce", one(rest[0]), ir.text("")) if rest else ir.text("")

    def joined(opened: tuple[Value, ...]) -> Value:
        words, whole = map(_list, opened)
        so_far, each = call.at.fresh(), call.at.fresh()
        others = ir.call("list_from", words.sql, _ONE)
        first = ir.call("list_at", words.sql, _ZERO)
        body = ir.Lambda((so_far, each), ir.call("concat", so_far, separator, each))
        found = ir.call("coalesce", ir.call("list_fold", others, first, body), ir.text(""))
        return string(ir.Case(((ir.call("gt", length(whole), _ZERO), found),)))

    return bound(call.at, (known(call.at, texts), texts), joined)


# --- Places


def _indexer(call: Call) -> Value | None:
    source, index = call.operands
    place = ir.Cast(one(index), ir.LONG)
    inside = ir.call("ge", place, _ZERO)
    if source.type == STRING:
        text = bounds(source)[0]
        inside = ir.both(inside, ir.call("lt", place, ir.call("length", text)))
        taken = ir.call("substring", text, ir.call("add", place, _ONE), _ONE)
        return string(ir.Case(((inside, taken),)))
    if not isinstance(source, Listed):
        return null(call.node.type) if source.type == ANY else None
    found = at_place(source, ir.Case(((inside, place),)))
    return choose(call.at, ir.certain(inside), found, null(found.type))


def _index_of(call: Call) -> Value | None:
    source, wanted = call.operands
    if ANY in (source.type, wanted.type):
        return null(INTEGER)
    if not isinstance(source, Listed):
        return None

    def found(opened: tuple[Value, ...]) -> Value:
        items, one = opened
        each = call.at.fresh()
        same = ir.certain(equal_or_both_null(call.at, item(_list(items).type.element, each), one))
        places = ir.call("list_map", _list(items).sql, ir.Lambda((each,), same))
        place = ir.call("sub", ir.call("coalesce", ir.call("list_position", places, ir.TRUE), _ZERO), _ONE)
        absent = ir.either(is_null(items), is_null(one))
        return integer(ir.Case(((absent, ir.null(ir.INT)),), ir.Cast(place, ir.INT)))

    return bound(call.at, (source, wanted), found)


def _slice(call: Call) -> Value | None:
    """``Slice``: negative places count from the end."""
    source, *places = call.operands
    if source.type == ANY:
        return null(call.node.type)
    if not isinstance(source, Listed):
        return None
    start, *end = (ir.Cast(one(place), ir.LONG) for place in places)

    def taken(opened: tuple[Value, ...]) -> Value:
        items = _list(opened[0])
        size = length(items)
        first = _place(ir.call("coalesce", start, _ZERO), size)
        last = _place(ir.call("coalesce", end[0], size), size) if end else size
        count = ir.call("greatest", ir.call("sub", last, first), _ZERO)
        sliced = ir.call("list_until", ir.call("list_from", items.sql, first), count)
        return Listed(items.type, sliced)

    return bound(call.at, (source,), taken)


def _place(place: Expr, size: Expr) -> Expr:
    from_end = ir.call("greatest", ir.call("add", size, place), _ZERO)
    return ir.call("least", ir.Case(((ir.call("lt", place, _ZERO), from_end),), place), size)


def _taken(name: str) -> Builder:
    """``Skip``, ``Take``, ``Tail``."""

    def build(call: Call) -> Value | None:
        source, *count = call.operands
        if source.type == ANY:
            return null(call.node.type)
        if not isinstance(source, Listed):
            return None
        number = ir.call("coalesce", one(count[0]), _ZERO) if count else _ONE
        if name == "Take":
            sql = ir.call("list_until", source.sql, ir.call("greatest", number, _ZERO))
            return Listed(source.type, sql)
        rest = ir.call("list_from", source.sql, ir.call("greatest", number, _ZERO))
        nothing = ir.call("list_until", source.sql, _ZERO)
        return Listed(source.type, ir.Case(((ir.call("lt", number, _ZERO), nothing),), rest))

    return build


# --- Membership


def found_in(at: Columns, items: Listed, one: Value) -> Expr:
    """Whether an equal one is among the items, nulls being equal; null where some may be, but none is known to be."""
    each = at.fresh()
    member = item(items.type.element, each)
    same = equal(at, member, one)
    absent = ir.either(is_null(member), is_null(one))
    answer = ir.Case(((absent, ir.both(is_null(member), is_null(one))),), same)
    return some(at, ir.call("list_map", items.sql, ir.Lambda((each,), answer)))


def _contains(proper: bool, *, turned: bool = False) -> Builder:
    def build(call: Call) -> Value | None:
        container, one = reversed(call.operands) if turned else call.operands
        if not isinstance(container, Listed):
            return None

        def answer(opened: tuple[Value, ...]) -> Value:
            items, wanted = opened
            answer = found_in(call.at, _list(items), wanted)
            if proper:
                answer = ir.call("and", answer, ir.call("not", _only_that(call.at, _list(items), wanted)))
            return truth(ir.Case(((is_null(items), ir.FALSE),), answer))

        return bound(call.at, (container, one), answer)

    return build


def _only_that(at: Columns, items: Listed, one: Value) -> Expr:
    """Whether all are equal to it: a null is not known to differ from an element, every element differs from null."""
    each = at.fresh()
    member = item(items.type.element, each)
    answer = ir.Case(((is_null(one), is_null(member)),), equal(at, member, one))
    return every(at, ir.call("list_map", items.sql, ir.Lambda((each,), answer)))


def _pair(build: Callable[[Columns, Listed, Listed], Value], *, turned: bool = False) -> Builder:
    """Of two lists; null where one is."""

    def made(call: Call) -> Value | None:
        left, right = reversed(call.operands) if turned else call.operands
        if not (isinstance(left, Listed) or isinstance(right, Listed)):
            return None
        if not all(isinstance(v, Listed) or v.type == ANY for v in (left, right)):
            return None
        pair = unified(call.at, (left, right))
        return bound(call.at, pair, lambda both: build(call.at, _list(both[0]), _list(both[1])))

    return made


def _includes(at: Columns, left: Listed, right: Listed) -> Value:
    each = at.fresh()
    inside = found_in(at, left, item(right.type.element, each))
    answer = every(at, ir.call("list_map", right.sql, ir.Lambda((each,), inside)))
    return truth(ir.Case(((ir.either(is_null(left), is_null(right)), ir.UNKNOWN),), answer))


def _properly_includes(at: Columns, left: Listed, right: Listed) -> Value:
    larger = ir.call("gt", length(distinct(at, left)), length(distinct(at, right)))
    return truth(ir.call("and", bounds(_includes(at, left, right))[0], larger))


def distinct(at: Columns, items: Listed) -> Listed:
    """Every item once, in order of appearance."""
    place, earlier = at.fresh(), at.fresh()
    same = ir.certain(equal_or_both_null(at, at_place(items, earlier), at_place(items, place)))
    before = ir.call("list_map", ir.call("list_range", _ZERO, place), ir.Lambda((earlier,), same))
    new = ir.call("not", some(at, before))
    places = ir.call("list_filter", ir.call("list_range", _ZERO, length(items)), ir.Lambda((place,), new))
    chosen = at.fresh()
    return Listed(
        items.type, ir.call("list_map", places, ir.Lambda((chosen,), ir.call("list_at", items.sql, chosen)))
    )


def _distinct(at: Columns, items: Listed) -> Value:
    return distinct(at, items)


def _bound_distinct(at: Columns, items: Listed) -> Listed:
    return _list(bound(at, (items,), lambda opened: distinct(at, _list(opened[0]))))


def _union(at: Columns, left: Listed, right: Listed) -> Value:
    empty = ir.Listed((), packed_type(left.type.element))
    sides = [ir.call("coalesce", side.sql, empty) for side in (left, right)]
    return _bound_distinct(at, Listed(left.type, ir.call("list_join", *sides)))


def _intersect(at: Columns, left: Listed, right: Listed) -> Value:
    kept = filtered(at, left, lambda each: found_in(at, right, each))
    found = _bound_distinct(at, kept)
    return Listed(left.type, ir.Case(((ir.is_there(right.sql), found.sql),)))


def _except(at: Columns, left: Listed, right: Listed) -> Value:
    other = Listed(right.type, ir.call("coalesce", right.sql, ir.Listed((), packed_type(right.type.element))))
    kept = filtered(at, left, lambda each: ir.call("not", ir.certain(found_in(at, other, each))))
    return _bound_distinct(at, kept)


OPERATORS: dict[str, Builder] = {
    "Exists": _on_list(_exists, truth(ir.FALSE)),
    "First": _on_list(lambda at, items: at_place(items, _ZERO)),
    "Last": _on_list(_last),
    "SingletonFrom": _on_list(_only),
    "Flatten": _on_list(_flatten),
    "Distinct": _on_list(_distinct),
    "Length": _length,
    "Coalesce": _coalesce,
    "Combine": _combine,
    "Indexer": _indexer,
    "IndexOf": _index_of,
    "Slice": _slice,
    "Skip": _taken("Skip"),
    "Take": _taken("Take"),
    "Tail": _taken("Tail"),
    "Contains": _contains(False),
    "In": _contains(False, turned=True),
    "ProperContains": _contains(True),
    "ProperIn": _contains(True, turned=True),
    "Includes": _pair(_includes),
    "IncludedIn": _pair(_includes, turned=True),
    "ProperIncludes": _pair(_properly_includes),
    "ProperIncludedIn": _pair(_properly_includes, turned=True),
    "Union": _pair(_union),
    "Intersect": _pair(_intersect),
    "Except": _pair(_except),
}
