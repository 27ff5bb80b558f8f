"""FHIRHelpers over a population (``closures.fhirhelpers`` says what each does): done where the element is.

What is a fault for one resident there (a comparator that a single value would hide, a unit of a strange system) is
null here.
"""

from collections.abc import Callable

from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population.elements import prop, system
from shangyi.query.cql.sql.population.items import MISSING, Coded, Element, Elements, Item, there, through
from shangyi.query.cql.sql.shapes import nothing
from shangyi.query.cql.sql.values import NUMBER, Interval, Quantity, Range, Scalar
from shangyi.query.cql.types import DATETIME, QUANTITY, IntervalOf
from shangyi.query.parser import CALENDAR
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

_CALENDAR = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "a": "year",
    "ms": "millisecond",
}
_UNITS = ("http://unitsofmeasure.org", "http://hl7.org/fhirpath/CodeSystem/calendar-units")
_QUANTITIES = frozenset({"Quantity", "Age", "Duration", "Distance", "Count", "Money"})
Convert = Callable[[Element, int], Item]


def _scalar(element: Element, name: str, offset: int) -> Item:
    found = prop(element, name, offset)
    return system(found, offset) if isinstance(found, Element) else found


def _text(element: Element, name: str, offset: int) -> Expr | None:
    found = _scalar(element, name, offset)
    return found.sql if isinstance(found, Scalar) else None


def to_quantity(element: Element, offset: int) -> Item:
    """``ToQuantity``."""
    number = _scalar(element, "value", offset)
    if not isinstance(number, Scalar):
        return MISSING
    named = [n for n in (_text(element, key, offset) for key in ("code", "unit")) if n is not None]
    name = ir.call("coalesce", *named, ir.text("1"))
    calendar = tuple(
        (ir.call("eq", name, ir.text(ucum)), ir.text(word))
        for ucum, word in {**CALENDAR, **_CALENDAR}.items()
        if ucum != word
    )
    system_, comparator = (_text(element, key, offset) for key in ("system", "comparator"))
    valid = ir.both(
        ir.TRUE
        if system_ is None
        else ir.call("coalesce", ir.call("in", system_, *map(ir.text, _UNITS)), ir.TRUE),
        ir.TRUE if comparator is None else ir.is_null(comparator),
    )
    value = number.sql if valid == ir.TRUE else ir.when(valid, number.sql, ir.null(NUMBER))
    return Quantity(value, ir.Case(calendar, name))


def to_interval(element: Element, offset: int) -> Item:
    """``ToInterval`` of a Period or a Range."""
    if element.type == "Period":
        start, end = (_moment(element, name, offset) for name in ("start", "end"))
        present = ir.is_there(element.sql)
        known = ir.is_there(start.low)
        return Interval(
            IntervalOf(DATETIME),
            start,
            end,
            ir.Case(((present, known),)),
            ir.TRUE,
        )
    if element.type == "Range":
        low, high = (_part(element, name, offset) for name in ("low", "high"))
        known = ir.either(ir.is_there(low.value), ir.is_there(high.value))
        closed = ir.Case(((known, ir.TRUE),))
        return Interval(IntervalOf(QUANTITY), low, high, closed, closed)
    raise NoForm("{node} of {types} has no form in SQL yet", node="ToInterval", types=element.type)


def _moment(element: Element, name: str, offset: int) -> Range:
    found = _scalar(element, name, offset)
    if isinstance(found, Range):
        return found
    empty = nothing(DATETIME)
    assert isinstance(empty, Range)
    return empty


def _part(element: Element, name: str, offset: int) -> Quantity:
    found = prop(element, name, offset)
    quantity = to_quantity(found, offset) if isinstance(found, Element) else MISSING
    if isinstance(quantity, Quantity):
        return quantity
    empty = nothing(QUANTITY)
    assert isinstance(empty, Quantity)
    return empty


def to_code(element: Element, offset: int) -> Item:
    """``ToCode`` of a Coding."""
    code, system_ = (_text(element, name, offset) for name in ("code", "system"))
    key = _key(code, system_)
    present = ir.Case(((there(element), ir.TRUE),))
    return Coded(ir.Listed((key,)), present, code or ir.null(), system_ or ir.null())


def _key(code: Expr | None, system_: Expr | None) -> Expr:
    if code is None:
        return ir.null()
    start = (
        ir.text("|")
        if system_ is None
        else ir.call("concat", ir.call("coalesce", system_, ir.text("")), ir.text("|"))
    )
    return ir.call("concat", start, code)


def to_concept(element: Element, offset: int) -> Item:
    """``ToConcept`` of a CodeableConcept."""
    if element.type == "Coding":
        found = to_code(element, offset)
        assert isinstance(found, Coded)
        return Coded(found.keys, found.there)
    codings = prop(element, "coding", offset)
    present = ir.Case(((there(element), ir.TRUE),))
    if not isinstance(codings, Elements):
        return Coded(ir.Listed((), ir.TEXT), present)
    coding = ir.Name("coding")
    one = Element("Coding", coding, codings.fields, codings.path, codings.beyond)
    key = _key(*(_text(one, name, offset) for name in ("code", "system")))
    return Coded(ir.call("list_map", codings.sql, ir.Lambda((coding,), key)), present)


def to_value(element: Element, offset: int) -> Item:
    """``ToValue``: by what the element is; what has no System type stays as it is."""
    if element.type in _QUANTITIES:
        return to_quantity(element, offset)
    if element.type in ("Period", "Range"):
        return to_interval(element, offset)
    if element.type == "Coding":
        return to_code(element, offset)
    if element.type == "CodeableConcept":
        return to_concept(element, offset)
    found = system(element, offset) if not element.fields else element
    return element if found is MISSING else found


def to_system(element: Element, offset: int) -> Item:
    """``ToString``, ``ToDateTime`` …: the System value of a primitive."""
    return system(element, offset)


FUNCTIONS: dict[str, Convert] = {
    **dict.fromkeys(("ToString", "ToBoolean", "ToInteger", "ToDecimal", "ToDate", "ToDateTime"), to_system),
    "ToQuantity": to_quantity,
    "ToInterval": to_interval,
    "ToCode": to_code,
    "ToConcept": to_concept,
    "ToValue": to_value,
}


def convert(name: str, item: Item, offset: int) -> Item:
    """A function of FHIRHelpers by its name; NoForm where it has none here."""
    use = FUNCTIONS.get(name)
    if use is None:
        raise NoForm("{node} has no form in SQL yet", node=f"FHIRHelpers.{name}")
    if isinstance(item, Coded) and name == "ToConcept":
        return Coded(item.keys, item.there)

    def one(element: Element | Elements) -> Item:
        if isinstance(element, Elements):
            raise NoForm("{node} of {types} has no form in SQL yet", node=f"FHIRHelpers.{name}", types="List")
        return use(element, offset)

    return through(item, one)
