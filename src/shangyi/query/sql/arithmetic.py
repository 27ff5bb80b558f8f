"""``+ - * / div mod &`` and ``-x`` (http://hl7.org/fhirpath/N1/#math-2); overflow and division by zero give NULL."""

from decimal import Decimal

from shangyi.query.closures.arithmetic import calculate as evaluate
from shangyi.query.errors import EvaluationError
from shangyi.query.quantity import Quantity
from shangyi.query.sql import ir, quantity, temporal, values
from shangyi.query.sql.base import Compiler, constant, literal, only
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr, SqlType
from shangyi.query.sql.values import EMPTY, Alternative, Item, Slot, Value
from shangyi.query.types import (
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    SYSTEM_TYPES,
    TIME,
)

_WHOLE = {"+": "add", "-": "sub", "*": "mul", "div": "quotient", "mod": "mod"}
_EXACT = {"+": "try_add", "-": "try_sub", "mod": "mod"}
_MOMENTS = (DATE, DATETIME, TIME)


def calculate(compiler: Compiler, operator: str, left: Item, right: Item) -> Value:
    """The result of an operator between two single values."""
    if operator == "&":
        return values.system(STRING, ir.call("concat", _text(left), _text(right)))
    if not left.alternatives or not right.alternatives:
        return EMPTY
    a, b = constant(left), constant(right)
    if a is not None and b is not None:
        try:
            found = evaluate(operator, [a], [b])
        except EvaluationError as error:
            reason = error.issues[0].diagnostics
            raise CompilationError("This can never be calculated: {reason}", reason=reason) from None
        return known(found[0]) if found else EMPTY
    moment = only(left, *_MOMENTS)
    if moment is not None and operator in "+-":
        if not isinstance(b, Quantity):
            raise CompilationError("Only a quantity that is written out can move a date in SQL")
        by = b if operator == "+" else Quantity(-b.value, b.unit, b.calendar)
        return Item((Alternative(Slot(SYSTEM_TYPES[_kind(moment)]), temporal.moved(compiler, moment, by)),))
    strings = only(left, STRING), only(right, STRING)
    if strings[0] is not None and strings[1] is not None and operator == "+":
        return values.system(STRING, ir.call("concat", strings[0].sql, strings[1].sql))
    return _measures(compiler, operator, left, right)


def _measures(compiler: Compiler, operator: str, left: Item, right: Item) -> Value:
    """Numbers, or quantities where either is one."""
    one, other = (only(side, QUANTITY) or only(side, INTEGER, DECIMAL) for side in (left, right))
    if one is None or other is None or any(_mixed(side) for side in (left, right)):
        types = ", ".join(str(a.slot.type) for side in (left, right) for a in side.alternatives)
        raise CompilationError(
            "{operator} does not go between {types} in SQL", operator=operator, types=types
        )
    if QUANTITY in (one.kind, other.kind):
        return quantity.calculate(compiler, operator, one, other)
    return _numbers(operator, one, other)


def _mixed(item: Item) -> bool:
    kinds = {a.kind for a in item.alternatives}
    return QUANTITY in kinds and len(kinds) > 1


def known(value: object) -> Item:
    """A value worked out while compiling."""
    if isinstance(value, Quantity):
        return values.system(QUANTITY, quantity.literal(value), value)
    kind = getattr(value, "kind", None) or _KINDS[type(value)]
    return values.system(SYSTEM_TYPES[kind], literal(value), value)


_KINDS: dict[type, str] = {bool: "Boolean", str: "String", int: "Integer", Decimal: "Decimal"}


def _kind(moment: Alternative) -> str:
    assert moment.kind is not None
    return moment.kind.name


def _text(item: Item) -> Expr:
    found = only(item, STRING)
    return ir.text("") if found is None else ir.call("coalesce", found.sql, ir.text(""))


def _numbers(operator: str, a: Alternative, b: Alternative) -> Item:
    if a.kind == b.kind == INTEGER and operator != "/":
        left, right = ir.Cast(a.sql, ir.LONG), ir.Cast(b.sql, ir.LONG)
        return values.system(
            INTEGER, _divided(operator, right, whole(ir.call(_WHOLE[operator], left, right)))
        )
    numbers = a.number, b.number
    match operator:
        case "*":
            result: Expr = ir.call("decimal_multiply", *_factors(a, b))
        case "/":
            return values.system(DECIMAL, ir.call("decimal_divide", *numbers))
        case "div":
            return values.system(INTEGER, whole(ir.call("decimal_quotient", *numbers)))
        case _:
            result = ir.call(_EXACT[operator], *numbers)
    return values.system(DECIMAL, _divided(operator, numbers[1], ir.Cast(result, ir.NUMBER, safe=True)))


def _divided(operator: str, by: Expr, result: Expr) -> Expr:
    if operator not in ("div", "mod"):
        return result
    return ir.when(ir.call("ne", by, ir.number(0)), result)


def whole(value: Expr) -> Expr:
    """An Integer, NULL outside 32 bits."""
    return ir.Cast(value, ir.INT, safe=True)


def _factors(a: Alternative, b: Alternative) -> tuple[Expr, Expr]:
    """As narrow as can be known, because a product has the digits of both."""
    return _narrow(a), _narrow(b)


def _narrow(a: Alternative) -> Expr:
    if isinstance(a.constant, Decimal):
        places = max(0, -int(a.constant.as_tuple().exponent))
        if places <= ir.SCALE:
            return ir.Cast(ir.text(f"{a.constant:f}"), SqlType(f"DECIMAL(38,{places})"))
    if a.kind == INTEGER:
        return ir.Cast(a.sql, SqlType("DECIMAL(10,0)"))
    return a.number


def negative(item: Item) -> Value:
    """``-x``."""
    if not item.alternatives:
        return EMPTY
    value = constant(item)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return known(-value)
    if isinstance(value, Quantity):
        return known(Quantity(-value.value, value.unit, value.calendar))
    found = only(item, QUANTITY) or only(item, INTEGER, DECIMAL)
    if found is None or _mixed(item):
        raise CompilationError("- has no form in SQL for this; narrow it with ofType()")
    if found.kind == QUANTITY:
        number, unit = quantity.parts(found)
        return quantity.system(ir.call("negative", number), unit)
    if found.kind == INTEGER:
        return values.system(INTEGER, whole(ir.call("negative", ir.Cast(found.sql, ir.LONG))))
    return values.system(DECIMAL, ir.call("negative", found.number))
