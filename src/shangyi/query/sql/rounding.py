"""Decimals rounded to places that only the row knows, and compared so (http://hl7.org/fhirpath/N1/#equivalent)."""

from shangyi.query.sql import ir
from shangyi.query.sql.base import Compiler, shared
from shangyi.query.sql.ir import Expr


def places(value: Expr) -> Expr:
    """Digits behind the point, zeros at the end not counted."""
    fraction = ir.call(
        "replace_matches", ir.Cast(value, ir.TEXT), ir.text(r"^[^.]*\.?"), ir.text(""), ir.text("s")
    )
    return ir.call("length", ir.call("replace_matches", fraction, ir.text("0+$"), ir.text(""), ir.text("s")))


def rounded(value: Expr, digits: Expr) -> Expr:
    """Half away from zero; engines want the digits written out."""
    whens = tuple(
        (
            ir.call("eq", digits, ir.number(n)),
            ir.Cast(ir.call("round", value, ir.number(n)), ir.NUMBER),
        )
        for n in range(ir.SCALE)
    )
    return ir.Case(whens, value)


def alike(compiler: Compiler, left: Expr, right: Expr, right_places: Expr | None = None) -> Expr:
    """Whether two decimals are equal when rounded to the less precise of them."""
    digits = ir.call("least", places(left), places(right) if right_places is None else right_places)

    def answer(count: Expr) -> Expr:
        return ir.call("eq", rounded(left, count), rounded(right, count))

    return shared(compiler, digits, ir.LONG, answer)
