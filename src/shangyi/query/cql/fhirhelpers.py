"""The library FHIRHelpers, built in: its functions are external, known to every back end by name and signature."""

from shangyi.query.cql.library import FunctionDef, Identifier, Library, OperandDef, Using
from shangyi.query.cql.model import built_in
from shangyi.query.cql.types import DECIMAL, QUANTITY, STRING, VALUESET, IntervalOf, Type, choice
from shangyi.query.types import ItemType

NAME = "FHIRHelpers"


def _function(name: str, operand: Type, result: Type) -> FunctionDef:
    return FunctionDef(
        name=name,
        context="Unfiltered",
        operands=(OperandDef("value", operand),),
        expression=None,
        type=result,
    )


def _all() -> tuple[FunctionDef, ...]:
    fhir = built_in("FHIR")
    found = [_function(c.function.rpartition(".")[2], c.source, c.target) for c in fhir.conversions]
    quantity = ItemType("FHIR", "Quantity")
    found += [
        _function("ToInterval", quantity, IntervalOf(QUANTITY)),
        _function("ToQuantityIgnoringComparator", quantity, QUANTITY),
        _function("ToCalendarUnit", STRING, STRING),
        _function("ToValueSet", STRING, VALUESET),
    ]
    whole = {c.source: c.target for c in fhir.conversions}
    value = fhir.classes["Extension"].elements["value"].type
    assert not isinstance(value, ItemType)
    options = getattr(value, "options", ())
    results = choice([whole.get(option, option) for option in options] or [DECIMAL])
    return (*found, _function("ToValue", value, results))


FUNCTIONS = _all()
"""All overloads."""

LIBRARY = Library(
    Identifier(NAME, "4.0.1"),
    usings=(Using(name="FHIR", model="FHIR", url="http://hl7.org/fhir", version="4.0.1"),),
    functions=FUNCTIONS,
    key="FHIRHelpers",
)
