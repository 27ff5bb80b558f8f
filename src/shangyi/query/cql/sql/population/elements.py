"""Elements of FHIR: what a property is, and the System value of a primitive."""

from shangyi.fhir import definitions
from shangyi.query.columns import Column, Table
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population.items import MISSING, Element, Elements, Item, Seen, Side, side, through
from shangyi.query.cql.sql.values import INSTANT, NUMBER, Range, Scalar
from shangyi.query.cql.types import BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, STRING
from shangyi.query.model import FHIR
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr
from shangyi.query.types import ItemType


def row_of(table: Table) -> Element:
    """The resource that a row of a type's table is."""
    return Element(table.resource_type, ir.TRUE, table.columns, "", table.beyond, row=True)


def prop(item: Item, name: str, offset: int) -> Item:
    """A child by its name in the model; of a choice each of its forms that the data has."""
    if isinstance(item, Side):
        return side([prop(option, name, offset) for option in item.options if _has(option, name)])
    return through(item, lambda element: _child(element, name, offset))


def _has(item: Item, name: str) -> bool:
    if isinstance(item, Seen):
        return _known(item.type, name)
    return not isinstance(item, Element) or _known(item.type, name)


def _known(type_name: str, name: str) -> bool:
    return bool(FHIR.forms(ItemType("FHIR", type_name), name)) or name == "value"


def _child(element: Element | Elements, name: str, offset: int) -> Item:
    if isinstance(element, Elements):
        raise NoForm("{node} of {types} has no form in SQL yet", node=name, types=f"List<{element.type}>")
    forms = FHIR.forms(ItemType("FHIR", element.type), name)
    if not forms and name == "value" and definitions.is_primitive(element.type):
        return system(element, offset)
    found: list[Item] = []
    for form in forms:
        path = f"{element.path}.{form.key}".lstrip(".")
        if any(path == beyond or path.startswith(f"{beyond}.") for beyond in element.beyond):
            raise NoForm("{path} lies beyond the columns of this lake", path=path)
        column = next((field for field in element.fields if field.name == form.key), None)
        if column is not None:
            found.append(_of_column(element, column, form.type.name, path))
    return side(found)


def _of_column(element: Element, column: Column, type_name: str, path: str) -> Item:
    if column.kind == "json":
        raise NoForm("{path} is kept as text and has no form in SQL", path=path)
    make = Elements if column.many else Element
    return make(type_name, element.child(column), column.fields, path, element.beyond)


# --- Primitives

_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})


def system(element: Element, offset: int) -> Item:
    """The System value of a primitive; MISSING of what is none. ``offset``: of the evaluation, in minutes."""
    kind, sql = element.type, element.sql
    if kind == "boolean":
        return Scalar(BOOLEAN, sql)
    if kind in _INTEGERS:
        return Scalar(INTEGER, sql)
    if kind == "decimal":
        return Scalar(DECIMAL, ir.Cast(sql, NUMBER, safe=True))
    if kind == "date":
        return _date(sql)
    if kind in ("dateTime", "instant"):
        return _instant(sql, offset)
    if kind == "time":
        raise NoForm("{node} has no form in SQL yet", node="FHIR.time")
    return Scalar(STRING, sql) if definitions.is_primitive(kind) else MISSING


def _stamp(text: Expr) -> Expr:
    return ir.Cast(text, INSTANT, safe=True)


def _long(text: Expr, count: int) -> Expr:
    return ir.call("eq", ir.call("length", text), ir.number(count))


def _first_day(text: Expr) -> Expr:
    """Of a year, month or day as FHIR writes it."""
    rest = ir.call("substring", ir.text("0001-01-01"), ir.call("add", ir.call("length", text), ir.number(1)))
    return _stamp(ir.call("concat", text, rest))


def _last_day(text: Expr, time: str) -> Expr:
    whens = (
        (_long(text, 10), _stamp(ir.call("concat", text, ir.text(time)))),
        (_long(text, 7), _stamp(ir.call("concat", ir.call("month_end", text), ir.text(time)))),
        (_long(text, 4), _stamp(ir.call("concat", text, ir.text(f"-12-31{time}")))),
    )
    return ir.Case(whens)


def _date(text: Expr) -> Item:
    return Range(DATE, _first_day(text), _last_day(text, ""))


def _instant(text: Expr, offset: int) -> Item:
    """From the first to the last millisecond, in the offset of the evaluation; milliseconds that are not written are 0."""
    with_time = ir.call("gt", ir.call("length", text), ir.number(10))
    zone = ir.when(with_time, ir.call("zone_minutes", text))
    exact = ir.call("date_trunc", ir.text("millisecond"), _here(text, offset))
    low = ir.when(with_time, exact, _first_day(text))
    high = ir.when(with_time, exact, _last_day(text, " 23:59:59.999"))
    return Range(DATETIME, low, high, zone)


def _here(text: Expr, offset: int) -> Expr:
    """The moment as clocks at the evaluation's offset show it; what has no zone is there already."""
    moment = ir.call("utc", text)
    if not offset:
        return moment
    minutes = ir.when(ir.call("ends_with_zone", text), ir.number(offset), ir.number(0))
    return ir.call("add_seconds", moment, ir.call("mul", minutes, ir.number(60)))
