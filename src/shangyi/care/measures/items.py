"""Values of CQL as a measure counts them: which item is which, what a value is called, the number in an observation."""

from decimal import Decimal
from typing import Any

from shangyi.care.measures.results import Coded, Number
from shangyi.errors import Unprocessable
from shangyi.query.closures.values import Element
from shangyi.query.cql.closures import show
from shangyi.query.cql.closures.fhirhelpers import to_value
from shangyi.query.cql.values import Code, Concept, Quantity


def identity(item: Any) -> str:
    """``Type/id`` of a resource, else the value as text: two items with the same are one."""
    if type(item) is Element and isinstance(item.value, dict) and "id" in item.value:
        return f"{item.type}/{item.value['id']}"
    return item if isinstance(item, str) else show.text(item)


def number(value: Any, name: str) -> Number:
    """The observation that ``name`` gave. Unprocessable where it is no number."""
    value = to_value(value, 0)
    if type(value) is Quantity:
        return Number(value.value, value.unit)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unprocessable("{name} gives no number, which a measure observation is", name=name)
    return Number(Decimal(value))


def coded(value: Any) -> Coded:
    """A value to divide by or to report; null is an empty text."""
    if type(value) is Element:
        value = to_value(value, 0)
    if type(value) is Code:
        return Coded(value.display or value.code or "", (_coding(value),))
    if type(value) is Concept:
        codes = [code for code in value.codes if code is not None]
        text = value.display or next((code.display or code.code for code in codes), None) or ""
        return Coded(text, tuple(_coding(code) for code in codes))
    if value is None:
        return Coded("")
    return Coded(value if isinstance(value, str) else show.text(value))


def _coding(code: Code) -> tuple[str, str, str]:
    return (code.system or "", code.code or "", code.display or "")
