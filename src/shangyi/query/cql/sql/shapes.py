"""Types as columns: what a null of a type is, values as one column (for a LIST, a lambda), one type for several values."""

from collections.abc import Callable, Sequence

from shangyi.query.cql.sql.columns import Columns, Variable
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.values import (
    INSTANT,
    MOMENTS,
    NUMBER,
    Choice,
    Interval,
    Listed,
    Quantity,
    Range,
    Scalar,
    Structure,
    Value,
    chosen,
    is_null,
    parts,
    rebuilt,
)
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    CODE,
    CODESYSTEM,
    CONCEPT,
    DATETIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    RATIO,
    STRING,
    VALUESET,
    VOCABULARY,
    ChoiceOf,
    IntervalOf,
    ListOf,
    TupleOf,
    Type,
    choice,
)
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr, SqlType
from shangyi.query.types import ItemType

_SCALARS: dict[Type, SqlType] = {
    BOOLEAN: ir.BOOL,
    INTEGER: ir.INT,
    LONG: ir.LONG,
    DECIMAL: NUMBER,
    STRING: ir.TEXT,
    ANY: ir.TEXT,
}
_ELEMENTS: dict[Type, tuple[tuple[str, Type], ...]] = {
    CODE: (("code", STRING), ("system", STRING), ("version", STRING), ("display", STRING)),
    CONCEPT: (("codes", ListOf(CODE)), ("display", STRING)),
    RATIO: (("numerator", QUANTITY), ("denominator", QUANTITY)),
    VALUESET: (("id", STRING), ("version", STRING), ("name", STRING)),
    CODESYSTEM: (("id", STRING), ("version", STRING), ("name", STRING)),
}


def column_type(type_: Type) -> SqlType:
    """The SQL type of a scalar, or of each bound of a date."""
    if type_ in MOMENTS:
        return INSTANT
    found = _SCALARS.get(type_)
    if found is None:
        raise NoForm("{type} has no form in SQL yet", type=str(type_))
    return found


def elements_of(type_: Type) -> tuple[tuple[str, Type], ...] | None:
    """The elements of a type that is a structure."""
    return type_.elements if isinstance(type_, TupleOf) else _ELEMENTS.get(type_)


def nothing(type_: Type) -> Value:
    """No value of a type, in all of the type's columns."""
    match type_:
        case ListOf(element=element):
            return Listed(type_, ir.null(ir.list_of(packed_type(element))))
        case IntervalOf(point=point):
            unknown = ir.null(ir.BOOL)
            return Interval(type_, nothing(point), nothing(point), unknown, unknown)
        case ChoiceOf(options=options):
            return Choice(type_, tuple(map(nothing, options)))
    if type_ == QUANTITY:
        return Quantity(ir.null(NUMBER), ir.null())
    if type_ in MOMENTS:
        instant = ir.null(INSTANT)
        return Range(type_, instant, instant, ir.null(ir.INT) if type_ == DATETIME else None)
    elements = elements_of(type_)
    if elements is not None:
        return Structure(type_, tuple((name, nothing(of)) for name, of in elements), ir.null(ir.BOOL))
    return Scalar(type_, ir.null(column_type(type_)))


def null(type_: Type) -> Value:
    """No value of a type; a DateTime in the offset of the evaluation."""
    found = nothing(type_)
    return Range(type_, found.low, found.high) if isinstance(found, Range) else found


# --- One column


def packed_type(type_: Type) -> SqlType:
    """The type of an item of a LIST."""
    fields = [(name, _null_type(sql)) for name, sql in parts(nothing(type_))]
    return fields[0][1] if len(fields) == 1 else ir.struct_of(*fields)


def _null_type(sql: Expr) -> SqlType:
    assert isinstance(sql, ir.Literal)
    return sql.type


def packed(value: Value) -> Expr:
    """A value as one column: itself, or a STRUCT of its columns."""
    fields = tuple(parts(value))
    if len(fields) == 1:
        return fields[0][1]
    first = fields[0][1]
    base = first.base if isinstance(first, ir.Member) else None
    if isinstance(base, Variable | ir.Call | ir.Case) and all(
        sql == ir.Member(base, name) for name, sql in fields
    ):
        return base
    return ir.Struct(fields)


def unpacked(like: Value, sql: Expr) -> Value:
    """The value of the shape of ``like`` that ``packed`` made one column of."""
    names = [name for name, _ in parts(like)]
    return rebuilt(like, iter([sql] if len(names) == 1 else [member(sql, name) for name in names]))


def member(sql: Expr, name: str) -> Expr:
    """A field of a STRUCT; of one that is written out, what is written."""
    if isinstance(sql, ir.Struct):
        return dict(sql.fields)[name]
    return ir.Member(sql, name)


def item(type_: Type, sql: Expr) -> Value:
    """An item of a LIST."""
    return unpacked(nothing(type_), sql)


def whole(value: Value) -> Value:
    """With all columns of its type, as items of a LIST have them."""
    shape = nothing(value.type)
    if isinstance(value, Range):
        if value.type not in MOMENTS:
            raise NoForm("A number that dates leave open has no form in a list, tuple or interval in SQL")
        return Range(value.type, value.low, value.high, value.offset or _offset(shape))
    if isinstance(value, Interval):
        return Interval(value.type, whole(value.low), whole(value.high), value.low_closed, value.high_closed)
    if isinstance(value, Structure):
        elements = tuple((name, whole(element)) for name, element in value.elements)
        return Structure(value.type, elements, value.there)
    if isinstance(value, Choice):
        return Choice(value.type, tuple(map(whole, value.options)))
    return value


def _offset(shape: Value) -> Expr | None:
    return shape.offset if isinstance(shape, Range) else None


def cheap(value: Value) -> bool:
    """Whether to write it several times costs nothing."""
    return all(ir.cheap(sql) for _, sql in parts(value))


# --- One type for several values


def unified(at: Columns, values: Sequence[Value]) -> tuple[Value, ...]:
    """Values in one type and one shape; NoForm where there is none."""
    type_ = common([value.type for value in values])
    found = tuple(converted(at, value, type_) for value in values)
    if len({tuple(name for name, _ in parts(value)) for value in found}) == 1:
        return found
    if type_ not in MOMENTS and any(isinstance(value, Range) for value in found):
        return tuple(_spread(value) for value in found)
    return tuple(map(whole, found))


def _spread(value: Value) -> Value:
    return Range(value.type, value.sql, value.sql) if isinstance(value, Scalar) else value


def common(types: Sequence[Type]) -> Type:
    """The type that all of these can be written in: Any is any of them, and of what differs it is a choice."""
    known = list(dict.fromkeys(type_ for type_ in types if type_ != ANY))
    if len(known) <= 1:
        return known[0] if known else ANY
    if all(isinstance(type_, ListOf) for type_ in known):
        return ListOf(common([type_.element for type_ in known if isinstance(type_, ListOf)]))
    if all(isinstance(type_, IntervalOf) for type_ in known):
        return IntervalOf(common([type_.point for type_ in known if isinstance(type_, IntervalOf)]))
    tuples = [type_ for type_ in known if isinstance(type_, TupleOf)]
    if len(tuples) == len(known) and len({tuple(n for n, _ in t.elements) for t in tuples}) == 1:
        rows = zip(*(t.elements for t in tuples), strict=True)
        return TupleOf(tuple((row[0][0], common([type_ for _, type_ in row])) for row in rows))
    return choice(known)


def converted(at: Columns, value: Value, target: Type) -> Value:
    """A value in a type that includes its own, or what of it is of that type; NoForm where SQL cannot tell.

    What is taken for Any keeps its own type.
    """
    if target in (value.type, ANY) or (target == VOCABULARY and value.type in (VALUESET, CODESYSTEM)):
        return value
    if value.type == ANY:
        return null(target)
    match value, target:
        case Choice(), ChoiceOf(options=options):
            return Choice(target, tuple(_option(at, value, option) for option in options))
        case Choice(), _:
            return _option(at, value, target)
        case _, ChoiceOf(options=options):
            taken = next((o for o in options if o == value.type), None)
            taken = taken or next((o for o in options if common([value.type, o]) == o), None)
            if taken is not None:
                own = whole(converted(at, value, taken))
                return Choice(target, tuple(own if o == taken else nothing(o) for o in options))
        case Listed(), ListOf(element=element):
            return mapped(at, value, lambda each: converted(at, each, element))
        case Interval(), IntervalOf(point=point):
            low, high = converted(at, value.low, point), converted(at, value.high, point)
            return Interval(target, low, high, value.low_closed, value.high_closed)
        case Structure(), TupleOf(elements=elements):
            if [name for name, _ in elements] == [name for name, _ in value.elements]:
                own_elements = zip(value.elements, elements, strict=True)
                made = tuple((name, converted(at, part, of)) for (name, part), (_, of) in own_elements)
                return Structure(target, made, value.there)
    if isinstance(target, ItemType) and target.namespace != "System":
        raise NoForm("{of} as {type} has no form in SQL yet", of=str(value.type), type=str(target))
    return null(target)  # it is of another type


def _option(at: Columns, value: Choice, target: Type) -> Value:
    """The options that are of a type, as one value."""
    found = [option for option in value.options if option.type == target]
    found = found or [option for option in value.options if common([option.type, target]) == target]
    if not found:
        return null(target)
    made = [converted(at, option, target) for option in found]
    return made[0] if len(made) == 1 else first_there(at, made)


def first_there(at: Columns, values: Sequence[Value]) -> Value:
    """The first that is not null."""
    same = unified(at, values)
    if len(same) == 1:
        return same[0]
    if all(isinstance(value, Scalar) for value in same):
        return chosen(same, lambda columns: ir.Call("coalesce", columns))
    return case(at, tuple((ir.call("not", is_null(value)), value) for value in same[:-1]), same[-1])


def case(at: Columns, whens: Sequence[tuple[Expr, Value]], otherwise: Value) -> Value:
    """The value behind the first condition that is true, all of one type and shape: as one column, so that the
    conditions are written once.
    """
    conditions = [_column(at, condition) for condition, _ in whens]
    if all(map(ir.cheap, conditions)) or len(list(parts(otherwise))) == 1:

        def pick(columns: tuple[Expr, ...]) -> Expr:
            return ir.Case(tuple(zip(conditions, columns[:-1], strict=True)), columns[-1])

        return chosen((*(value for _, value in whens), otherwise), pick)
    found = ir.Case(tuple((condition, packed(value)) for condition, value in whens), packed(otherwise))
    return unpacked(otherwise, found)


def choose(at: Columns, condition: Expr, value: Value, otherwise: Value) -> Value:
    """A value, or another of its type."""
    one, other = unified(at, (value, otherwise))
    if condition in (ir.TRUE, ir.FALSE):
        return one if condition == ir.TRUE else other
    return case(at, ((condition, one),), other)


def _column(at: Columns, sql: Expr) -> Expr:
    """An expression as a column of an earlier level, where there are levels."""
    if ir.cheap(sql) or at.levels is None:
        return sql
    return at.levels.add(sql) or sql


# --- Items of a LIST, and what is written once


def mapped(at: Columns, listed: Listed, use: Callable[[Value], Value]) -> Listed:
    """A LIST of what ``use`` gives of each item."""
    variable = at.fresh()
    made = whole(use(item(listed.type.element, variable)))
    return Listed(ListOf(made.type), ir.call("list_map", listed.sql, ir.Lambda((variable,), packed(made))))


def filtered(at: Columns, listed: Listed, test: Callable[[Value], Expr]) -> Listed:
    """The items for which a condition is true."""
    variable = at.fresh()
    condition = ir.certain(test(item(listed.type.element, variable)))
    return Listed(listed.type, ir.call("list_filter", listed.sql, ir.Lambda((variable,), condition)))


def list_of(at: Columns, values: Sequence[Value], element: Type = ANY) -> Listed:
    """A LIST of values written out; of none it is of ``element``."""
    same = tuple(map(whole, unified(at, values)))
    of = same[0].type if same else element
    return Listed(ListOf(of), ir.Listed(tuple(map(packed, same)), packed_type(of)))


def bound(at: Columns, values: Sequence[Value], use: Callable[[tuple[Value, ...]], Value]) -> Value:
    """``use(values)``, each value that costs anything written once only, by way of a list of one item."""
    values = [rebuilt(value, iter([_column(at, sql) for _, sql in parts(value)])) for value in values]
    dear = [value for value in values if not cheap(value)]
    if not dear:
        return use(tuple(values))
    variable = at.fresh()
    if len(dear) == 1:
        source, opened = packed(dear[0]), {0: unpacked(dear[0], variable)}
    else:
        source = ir.Struct(tuple((f"v{n}", packed(value)) for n, value in enumerate(dear)))
        opened = {n: unpacked(value, member(variable, f"v{n}")) for n, value in enumerate(dear)}
    order = iter(range(len(dear)))
    made = use(tuple(value if cheap(value) else opened[next(order)] for value in values))
    loop = ir.call("list_map", ir.Listed((source,)), ir.Lambda((variable,), packed(made)))
    return unpacked(made, ir.call("list_at", loop, ir.number(0)))
