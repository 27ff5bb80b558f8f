"""Three-valued logic is SQL's own (http://hl7.org/fhirpath/N1/#boolean-logic); NULL stands for empty."""

from collections.abc import Callable

from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr


def _exclusive(a: Expr, b: Expr) -> Expr:
    return ir.call("ne", a, b)


def _implies(a: Expr, b: Expr) -> Expr:
    return ir.either(ir.negated(a), b)


OPERATORS: dict[str, Callable[[Expr, Expr], Expr]] = {
    "and": ir.both,
    "or": ir.either,
    "xor": _exclusive,
    "implies": _implies,
}
