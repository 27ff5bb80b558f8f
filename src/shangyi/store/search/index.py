"""The search rows of a resource: one walk over its elements, compiled per type."""

from collections.abc import Callable
from functools import cache
from typing import Any

from shangyi.errors import Invalid
from shangyi.fhir import definitions
from shangyi.store import keys
from shangyi.store.index import DateValue, IndexRow, NumberValue, StringValue
from shangyi.store.search import date, number, values
from shangyi.store.search.catalogue import COMPUTED, Parameter, catalogue, main_date, primary_code
from shangyi.store.search.path import Emit, Node

Resource = dict[str, Any]
DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
PATIENT_PARAMETERS = ("patient", "subject", "beneficiary", "individual", "individual-subject")
"""Whose resource it is; a type without them (Group, Appointment) belongs to the first resident it puts into a compartment."""


class _Row:
    """What the walk collects."""

    __slots__ = ("code", "date", "dates", "numbers", "patient", "strings", "tokens")

    def __init__(self) -> None:
        self.tokens: set[int] = set()
        self.dates: set[DateValue] = set()
        self.numbers: set[NumberValue] = set()
        self.strings: set[StringValue] = set()
        self.patient = keys.NONE
        self.code = keys.NONE
        self.date: tuple[int, int] | None = None


def _token(name: str, type: str, code: str, primary: bool) -> Emit:
    def emit(value: Any, row: _Row) -> None:
        for spelling in values.tokens(value, type):
            token = keys.token(name, code, spelling)
            row.tokens.add(token)
            if primary and "|" in spelling:
                if row.code == keys.NONE:
                    row.code = token
                elif row.code != token:
                    row.tokens.add(keys.token(name, "code+", spelling))

    return emit


def _reference(name: str, type: str, code: str, patient: bool, target: str | None) -> Emit:
    def emit(value: Any, row: _Row) -> None:
        for reference in values.references(value, type):
            if target and not (reference.startswith(target + "/") or f"/{target}/" in reference):
                continue
            row.tokens.add(keys.token(name, code, reference))
            if patient and reference.startswith("Patient/") and row.patient == keys.NONE:
                row.patient = keys.key(reference)

    return emit


def _date(name: str, code: str, main: bool) -> Emit:
    parameter = keys.parameter(name, code)

    def emit(value: Any, row: _Row) -> None:
        try:
            span = date.span(value)
        except Invalid:
            return
        if span is None:
            return
        if main and row.date is None:
            row.date = span
        else:
            row.dates.add(DateValue(parameter, *span))

    return emit


def _number(name: str, code: str) -> Emit:
    parameter = keys.parameter(name, code)
    if code in number.COMBINED:
        return lambda value, row: None

    def emit(value: Any, row: _Row) -> None:
        span = number.stored(value)
        if span is None:
            return
        if not isinstance(value, dict):
            row.numbers.add(NumberValue(parameter, 0, *span))
            return
        for unit in units(*number.unit(value)):
            row.numbers.add(NumberValue(parameter, unit, *span))

    return emit


def units(system: str, code: str, unit: str) -> set[int]:
    """The keys under which a quantity is found: its code or unit text, system and code; 0 where it has no unit."""
    found = set() if code or unit else {0}
    if code or unit:
        found.add(keys.key(f"|{code or unit}"))
    if system and code:
        found.add(keys.key(f"{system}|{code}"))
    return found


def _string(name: str, type: str, code: str) -> Emit:
    parameter = keys.parameter(name, code)

    def emit(value: Any, row: _Row) -> None:
        for text in values.strings(value, type):
            row.strings.add(StringValue(parameter, text))

    return emit


def _uri(name: str, code: str) -> Emit:
    def emit(value: Any, row: _Row) -> None:
        if isinstance(value, str):
            row.tokens.add(keys.token(name, code, value))

    return emit


@cache
def belonging(name: str) -> frozenset[tuple[str, tuple[tuple[str, ...], ...]]]:
    """The parameters and paths by which a resource of this type belongs to a resident."""
    known = catalogue(name)
    paths = [(code, path.steps) for code in PATIENT_PARAMETERS if code in known for path in known[code].paths]
    direct = [(code, steps) for code, steps in paths if len(steps) == 1]
    further = [
        (code, path.steps)
        for code in definitions.compartment().get(name, ())
        if code in known
        for path in known[code].paths
    ]
    return frozenset(direct or further)


def _emitters(name: str, parameter: Parameter) -> list[tuple[tuple[tuple[str, ...], ...], Emit]]:
    found: list[tuple[tuple[tuple[str, ...], ...], Emit]] = []
    for path in parameter.paths:
        match parameter.kind:
            case "token":
                emit = _token(name, path.type, parameter.code, parameter.code == primary_code(name))
            case "reference":
                patient = (parameter.code, path.steps) in belonging(name)
                emit = _reference(name, path.type, parameter.code, patient, path.target)
            case "date":
                emit = _date(name, parameter.code, parameter.code == main_date(name))
            case "string":
                emit = _string(name, path.type, parameter.code)
            case "uri":
                emit = _uri(name, parameter.code)
            case _:
                emit = _number(name, parameter.code)
        found.append((path.steps, emit))
    return found


@cache
def _tree(name: str) -> Callable[[Resource, _Row], None]:
    root = Node()
    for parameter in catalogue(name).values():
        for steps, emit in _emitters(name, parameter):
            root.add(steps, emit)
    return root.walk


def area_of(resource: Resource) -> int:
    """The 12-digit division code of residence: of a Patient, a contained subject, an institution; 0 where unknown."""
    own = [resource, *(c for c in resource.get("contained", ()) if c.get("resourceType") == "Patient")]
    for holder in own:
        addresses = holder.get("address", [])
        for address in addresses if isinstance(addresses, list) else [addresses]:
            for extension in address.get("extension", ()):
                if extension.get("url") == DIVISION:
                    code = extension.get("valueCoding", {}).get("code", "")
                    if code.isdigit() and len(code) <= 12:
                        return int(code.ljust(12, "0"))
    return 0


def long(name: str) -> int:
    """The token of rows whose main date is longer than ``date.LONG_US``: a walk by date looks for them apart."""
    return keys.token(name, "_long", "")


def rows(resource: Resource) -> IndexRow:
    """The index row of a resource that has a type and an id."""
    name, id = resource["resourceType"], resource["id"]
    row = _Row()
    _tree(name)(resource, row)
    for type, code in COMPUTED:
        if type == name:
            dead = any(resource.get(element) for element in COMPUTED[type, code])
            row.tokens.add(keys.token(name, code, "true" if dead else "false"))
    if name == "Patient":
        row.patient = keys.rid(name, id)
    low, high = row.date or (keys.NO_DATE, keys.NO_DATE)
    if high - low > date.LONG_US:
        row.tokens.add(long(name))
    return IndexRow(
        patient=row.patient,
        area=area_of(resource),
        code=row.code,
        date=low,
        date_end=high,
        tokens=sorted(row.tokens),
        dates=sorted(row.dates),
        numbers=sorted(row.numbers),
        strings=sorted(row.strings),
    )
