"""``<  <=  >  >=`` (http://hl7.org/fhirpath/N1/#comparison)."""

from shangyi.query.closures.comparison import compare as evaluate
from shangyi.query.sql import ir, quantity, temporal
from shangyi.query.sql.base import Compiler, constant
from shangyi.query.sql.equality import CALENDAR, NUMBERS
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.values import Alternative, Item
from shangyi.query.types import INTEGER, QUANTITY, STRING, TIME

TESTS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def compare(compiler: Compiler, operator: str, left: Item, right: Item) -> Expr:
    """``left < right`` and its like, NULL where either is empty or precision leaves it open."""
    pairs = [(a, b) for a in left.alternatives for b in right.alternatives]
    if not pairs:
        return ir.UNKNOWN
    known = constant(left), constant(right)
    if known[0] is not None and known[1] is not None:
        return ir.Literal(evaluate(operator, [known[0]], [known[1]]), ir.BOOL)
    if len(pairs) == 1:
        return _values(compiler, TESTS[operator], *pairs[0])
    whens = [(ir.both(a.present, b.present), _values(compiler, TESTS[operator], a, b)) for a, b in pairs]
    return ir.Case(tuple(whens), ir.UNKNOWN)


def _values(compiler: Compiler, test: str, a: Alternative, b: Alternative) -> Expr:
    left, right = a.kind, b.kind
    if left == right and left in (STRING, INTEGER):
        return ir.call(test, a.sql, b.sql)
    if left in NUMBERS and right in NUMBERS:
        return ir.call(test, a.number, b.number)
    if (left in CALENDAR and right in CALENDAR) or left == right == TIME:
        return temporal.compare(compiler, test, a, b)
    if QUANTITY in (left, right) and {left, right} <= {*NUMBERS, QUANTITY}:
        return quantity.compare(compiler, test, a, b)
    message = f"{a.slot.type} and {b.slot.type} have no order: {compiler.text}"
    refusal = ir.Cast(ir.call("error", ir.text(message)), ir.BOOL)
    return ir.Case(((ir.both(ir.is_there(a.sql), ir.is_there(b.sql)), refusal),), ir.UNKNOWN)
