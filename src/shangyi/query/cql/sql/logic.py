"""Three-valued logic and nulls (https://cql.hl7.org/09-b-cqlreference.html#logical-operators-3): SQL has the same."""

from shangyi.query.cql.sql.builder import Builder, Call, truth
from shangyi.query.cql.sql.shapes import first_there
from shangyi.query.cql.sql.values import Value, bounds, is_null
from shangyi.query.sql import ir


def _connected(name: str) -> Builder:
    return lambda call: truth(ir.Call(name, call.columns))


def _xor(call: Call) -> Value:
    return truth(ir.call("ne", *call.columns))


def _implies(call: Call) -> Value:
    left, right = call.columns
    return truth(ir.call("or", ir.call("not", left), right))


def _is(value: bool) -> Builder:
    return lambda call: truth(ir.call("same", call.columns[0], ir.Literal(value)))


def _coalesce(call: Call) -> Value:
    return first_there(call.at, call.operands)


OPERATORS: dict[str, Builder] = {
    "And": _connected("and"),
    "Or": _connected("or"),
    "Xor": _xor,
    "Implies": _implies,
    "Not": lambda call: truth(ir.call("not", bounds(call.operands[0])[0])),
    "IsNull": lambda call: truth(is_null(call.operands[0])),
    "IsTrue": _is(True),
    "IsFalse": _is(False),
    "Coalesce": _coalesce,
}
