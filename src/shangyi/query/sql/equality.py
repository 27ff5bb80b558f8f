"""``=``, ``~``, duplicates, membership (http://hl7.org/fhirpath/N1/#equality)."""

from collections.abc import Callable
from functools import partial

from shangyi.query.closures.equality import equal as evaluate
from shangyi.query.closures.equality import equivalent as alike_values
from shangyi.query.columns import Column
from shangyi.query.model import FHIR, system_of
from shangyi.query.sql import ir, quantity, rounding, temporal, values
from shangyi.query.sql.base import Compiler, constant, shared
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.paths import of_item
from shangyi.query.sql.values import EMPTY, Alternative, Item, Many, Slot, Value
from shangyi.query.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    TIME,
    ItemType,
)

NUMBERS = frozenset({INTEGER, DECIMAL})
CALENDAR = frozenset({DATE, DATETIME})
_BY_TEXT = frozenset({STRING, BOOLEAN, INTEGER})


def equal(compiler: Compiler, left: Value, right: Value) -> Expr:
    """``left = right``: item by item in order; NULL where an operand is empty or precision leaves it open."""
    if isinstance(left, Item) and isinstance(right, Item):
        return same(compiler, left, right)
    if isinstance(right, Item):
        left, right = right, left
    assert isinstance(right, Many)
    if isinstance(left, Item):
        return _with_list(compiler, left, right)
    return _lists(compiler, left, right)


def different(compiler: Compiler, left: Value, right: Value) -> Expr:
    """``left != right``."""
    return ir.negated(equal(compiler, left, right))


def _with_list(compiler: Compiler, item: Item, many: Many) -> Expr:
    if not item.alternatives or not many.slots:
        return ir.UNKNOWN

    def answer(items: Expr) -> Expr:
        size = values.count(Many(many.slots, items))
        first = values.opened(many.slots, ir.call("list_at", items, ir.number(0)))
        several = ir.both(ir.call("gt", size, ir.number(1)), item.present)
        one = ir.call("eq", size, ir.number(1))
        return ir.Case(((one, same(compiler, item, first)), (several, ir.FALSE)), ir.UNKNOWN)

    return shared(compiler, many.sql, ir.list_of(many.item_type), answer)


def _lists(compiler: Compiler, left: Many, right: Many) -> Expr:
    if not left.slots or not right.slots:
        return ir.UNKNOWN
    sizes = values.count(left), values.count(right)
    nothing = ir.either(*(ir.call("eq", size, ir.number(0)) for size in sizes))
    x, i = compiler.names.fresh(), compiler.names.fresh()
    other = ir.call("list_at", right.sql, ir.call("index", i))
    one = same(compiler, values.opened(left.slots, x), values.opened(right.slots, other))
    answers = ir.call("list_map", left.sql, ir.Lambda((x, i), one))
    y = compiler.names.fresh()
    open_ = ir.call("list_filter", answers, ir.Lambda((y,), ir.is_null(y)))
    return ir.Case(
        (
            (nothing, ir.UNKNOWN),
            (ir.call("ne", *sizes), ir.FALSE),
            (ir.certain(ir.call("list_contains", answers, ir.FALSE)), ir.FALSE),
            (ir.call("gt", ir.call("list_length", open_), ir.number(0)), ir.UNKNOWN),
        ),
        ir.TRUE,
    )


def same(compiler: Compiler, left: Item, right: Item) -> Expr:
    """Whether two items are equal, NULL where either is not there."""
    pairs = [(a, b) for a in left.alternatives for b in right.alternatives]
    if not pairs:
        return ir.UNKNOWN
    known = constant(left), constant(right)
    if known[0] is not None and known[1] is not None:
        return ir.Literal(evaluate([known[0]], [known[1]]), ir.BOOL)
    if len(pairs) == 1:
        return _answer(compiler, *pairs[0])
    whens = [(ir.both(a.present, b.present), _answer(compiler, a, b)) for a, b in pairs]
    return ir.Case(tuple(whens), ir.UNKNOWN)


def _answer(compiler: Compiler, a: Alternative, b: Alternative) -> Expr:
    found = _values(compiler, a, b)
    elements = a.slot.type.namespace == b.slot.type.namespace == "FHIR"
    if not elements or (a.beside is None and b.beside is None):
        return found
    empty = ir.both(ir.is_null(a.sql), ir.is_null(b.sql))
    if a.beside is not None and b.beside is not None:
        fields = values.merged_columns(a.slot.beside or (), b.slot.beside or ())
        one = values.conform(a.beside, a.slot.beside or (), fields)
        other = values.conform(b.beside, b.slot.beside or (), fields)
        empty = ir.both(empty, ir.call("same", one, other))
    else:
        empty = ir.FALSE
    known = ir.both(ir.is_there(a.sql), ir.is_there(b.sql))
    return ir.Case(((known, found), (ir.both(a.present, b.present), empty)), ir.UNKNOWN)


def _values(compiler: Compiler, a: Alternative, b: Alternative) -> Expr:
    left, right = a.kind, b.kind
    if left == right and left in _BY_TEXT:
        return ir.call("eq", a.sql, b.sql)
    if left in NUMBERS and right in NUMBERS:
        return ir.call("eq", a.number, b.number)
    if (left in CALENDAR and right in CALENDAR) or left == right == TIME:
        return temporal.compare(compiler, "eq", a, b)
    if QUANTITY in (left, right) and {left, right} <= {*NUMBERS, QUANTITY}:
        return quantity.compare(compiler, "eq", a, b)
    if left is None and right is None and a.guard is None and b.guard is None:
        return _objects(compiler, a, b)
    return ir.Case(((ir.both(a.present, b.present), ir.FALSE),), ir.UNKNOWN)


def _objects(compiler: Compiler, a: Alternative, b: Alternative) -> Expr:
    """As SQL compares them where nothing in them has a precision or a unit, else element by element."""
    if a.slot.type != b.slot.type:
        return ir.when(ir.both(a.present, b.present), ir.FALSE)
    if a.slot.json or b.slot.json or not a.slot.fields or not b.slot.fields:
        raise CompilationError("{type} is kept as text and cannot be compared in SQL", type=str(a.slot.type))
    fields = values.merged_columns(a.slot.fields, b.slot.fields)
    left, right = values.conform(a.sql, a.slot.fields, fields), values.conform(b.sql, b.slot.fields, fields)
    if plain(a.slot) and plain(b.slot):
        return ir.call("eq", left, right)
    identical = ir.certain(ir.call("eq", left, right))
    there = ir.both(ir.is_there(a.sql), ir.is_there(b.sql))
    return ir.Case(((identical, ir.TRUE), (there, _by_element(compiler, a, b, equal))), ir.UNKNOWN)


def _by_element(
    compiler: Compiler, a: Alternative, b: Alternative, test: Callable[[Compiler, Value, Value], Expr]
) -> Expr:
    """Whether both have the same elements, and each holds what the other does."""
    answers: list[Expr] = []
    for name in FHIR.elements(a.slot.type):
        left, right = of_item(compiler, Item((a,)), name), of_item(compiler, Item((b,)), name)
        here, there = present(left), present(right)
        if here == there == ir.FALSE:
            continue
        one_only = ir.call("ne", here, there)
        answers.append(
            ir.Case(((one_only, ir.FALSE), (ir.negated(here), ir.TRUE)), test(compiler, left, right))
        )
    return ir.both(*answers)


def present(value: Value) -> Expr:
    """Whether there is any item."""
    if isinstance(value, Item):
        return value.present
    return ir.call("gt", values.count(value), ir.number(0)) if value.slots else ir.FALSE


def plain(slot: Slot) -> bool:
    """Whether equality of SQL is that of FHIRPath: no decimal, date, time or quantity is in it."""
    if slot.kind is not None:
        return slot.kind in _BY_TEXT
    return bool(slot.fields) and _plain_fields(slot.type, slot.fields)


def _plain_fields(owner: ItemType, fields: tuple[Column, ...]) -> bool:
    types = {form.key: form.type for name in FHIR.elements(owner) for form in FHIR.forms(owner, name)}
    for column in fields:
        of = types.get(column.name)
        if of is None:  # what stands beside a primitive
            if not _plain_fields(ItemType("FHIR", "Element"), column.fields):
                return False
            continue
        kind = system_of(of.name)
        if kind is not None:
            if kind not in _BY_TEXT:
                return False
        elif not column.fields or not _plain_fields(of, column.fields):
            return False
    return True


def equivalent(compiler: Compiler, left: Value, right: Value) -> Expr:
    """``left ~ right``: the same items in any order; true or false, never NULL."""
    if isinstance(left, Item) and isinstance(right, Item):
        return _items_alike(compiler, left, right)
    if not left.slots or not right.slots:
        return ir.negated(present(left if left.slots else right))
    return _lists_alike(compiler, values.listed(left), values.listed(right))


def _items_alike(compiler: Compiler, left: Item, right: Item) -> Expr:
    known = constant(left), constant(right)
    if known[0] is not None and known[1] is not None:
        return ir.Literal(alike_values([known[0]], [known[1]]))
    pairs = [(a, b) for a in left.alternatives for b in right.alternatives]
    alike = [ir.both(a.present, b.present, ir.certain(_alike(compiler, a, b))) for a, b in pairs]
    neither = ir.both(ir.negated(left.present), ir.negated(right.present))
    return ir.either(neither, *alike)


def _lists_alike(compiler: Compiler, left: Many, right: Many) -> Expr:
    """Of each item as many on either side, which is enough where what is alike to one thing is alike to each other:
    not so for decimals, 1.46 ~ 1.5 ~ 1.54.
    """
    kinds = {slot.kind for many in (left, right) for slot in many.slots}
    if kinds & {DECIMAL, QUANTITY}:
        raise CompilationError("~ between collections of decimals or quantities has no form in SQL")

    def count(many: Many, of: Item) -> Expr:
        y = compiler.names.fresh()
        test = ir.certain(_items_alike(compiler, of, values.opened(many.slots, y)))
        return values.count(Many(many.slots, ir.call("list_filter", many.sql, ir.Lambda((y,), test))))

    x = compiler.names.fresh()
    item = values.opened(left.slots, x)
    missing = ir.call("ne", count(left, item), count(right, item))
    rest = ir.call("list_filter", left.sql, ir.Lambda((x,), missing))
    sizes = ir.call("eq", values.count(left), values.count(right))
    return ir.both(sizes, ir.call("eq", values.count(Many(left.slots, rest)), ir.number(0)))


def _alike(compiler: Compiler, a: Alternative, b: Alternative) -> Expr:
    kinds = {a.kind, b.kind}
    if kinds == {STRING}:
        return ir.call("eq", ir.call("fold_spaces", a.sql), ir.call("fold_spaces", b.sql))
    if kinds <= {BOOLEAN, INTEGER, DATE, DATETIME, TIME}:
        return same(compiler, Item((a,)), Item((b,)))
    if kinds <= NUMBERS:
        return rounding.alike(compiler, a.number, b.number)
    if QUANTITY in kinds and kinds <= {*NUMBERS, QUANTITY}:
        return quantity.equivalent(compiler, a, b)
    if kinds == {None}:
        return _objects_alike(compiler, a, b)
    return ir.FALSE


def _objects_alike(compiler: Compiler, a: Alternative, b: Alternative) -> Expr:
    if a.guard is not None or b.guard is not None or a.slot.json or b.slot.json:
        raise CompilationError("~ of whole resources has no form in SQL")
    if a.slot.type != b.slot.type:
        return ir.FALSE
    return ir.certain(_by_element(compiler, a, b, equivalent))


def member_test(compiler: Compiler, collection: Value) -> Callable[[Item], Expr]:
    """Whether an item is in a collection: true or false, never NULL."""
    if isinstance(collection, Item):
        return lambda item: ir.certain(same(compiler, item, collection)) if item.alternatives else ir.FALSE
    if not collection.slots:
        return lambda item: ir.FALSE
    return partial(_among, compiler, collection)


def _among(compiler: Compiler, collection: Many, item: Item) -> Expr:
    if not item.alternatives:
        return ir.FALSE
    if values.is_bare(collection.slots) and len(item.alternatives) == 1:
        slot, alternative = collection.slots[0], item.alternatives[0]
        if slot.kind == alternative.kind and slot.kind in _BY_TEXT:
            return ir.certain(ir.call("list_contains", collection.sql, alternative.sql))
    y = compiler.names.fresh()
    found = ir.certain(same(compiler, item, values.opened(collection.slots, y)))
    equals = ir.call("list_filter", collection.sql, ir.Lambda((y,), found))
    return ir.call("gt", values.count(Many(collection.slots, equals)), ir.number(0))


def member(compiler: Compiler, item: Item, collection: Value) -> Expr:
    """``item in collection``: empty of nothing."""
    if not item.alternatives:
        return ir.UNKNOWN
    return ir.when(item.present, member_test(compiler, collection)(item), ir.UNKNOWN)


def distinct(compiler: Compiler, value: Value) -> Value:
    """Each item once, the first of those that are equal."""
    if isinstance(value, Item) or not value.slots:
        return value if isinstance(value, Item) else EMPTY
    bare = values.is_bare(value.slots) and plain(value.slots[0])

    def once(items: Expr) -> Expr:
        x, i = compiler.names.fresh(), compiler.names.fresh()
        if bare:
            first = ir.call("sub", ir.call("list_position", items, x), ir.number(1))
            test = ir.call("eq", first, ir.call("index", i))
        else:
            before = Many(value.slots, ir.call("list_until", items, ir.call("index", i)))
            test = ir.negated(_among(compiler, before, values.opened(value.slots, x)))
        return ir.call("list_filter", items, ir.Lambda((x, i), test))

    return Many(value.slots, shared(compiler, value.sql, ir.list_of(value.item_type), once))
