"""The search rows of a resource: one walk over its elements, compiled per type."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from shangyi.errors import Invalid
from shangyi.fhir import definitions
from shangyi.store import keys
from shangyi.store.index import DateValue, IndexRow, NumberValue, StringValue
from shangyi.store.search import date, number, values
from shangyi.store.search.catalogue import COMPUTED, Home, catalogue, homes, main_date, primary_code
from shangyi.store.search.path import Emit, Node

Resource = dict[str, Any]
DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
PATIENT_PARAMETERS = ("patient", "subject", "beneficiary", "individual", "individual-subject")
"""Whose resource it is; a type without them (Group, Appointment) belongs to the first resident it puts into a compartment."""


class _Row:
    """What the walk collects. ``present``: the bits of the parameters that have a value."""

    __slots__ = ("code", "date", "dates", "numbers", "patient", "present", "strings", "tokens")

    def __init__(self) -> None:
        self.tokens: set[int] = set()
        self.dates: set[DateValue] = set()
        self.numbers: set[NumberValue] = set()
        self.strings: set[StringValue] = set()
        self.patient = keys.NONE
        self.code = keys.NONE
        self.date: tuple[int, int] | None = None
        self.present = 0


@lru_cache(maxsize=65536)
def _coded(name: str, code: str, system: str | None, value: str | None) -> tuple[int, ...]:
    """The tokens of a coding: the one of system and code first, then those of its other spellings."""
    return tuple(keys.token(name, code, spelling) for spelling in values.pair(system, value))


def _token(name: str, home: Home, bits: int) -> Emit:
    primary = home.code == primary_code(name)
    type, code = home.type, home.code

    def emit(value: Any, row: _Row) -> None:
        row.present |= bits
        if type == "Coding":
            codings = (value,)
        elif type == "CodeableConcept":
            codings = value.get("coding", ())
        else:
            row.tokens.update([keys.token(name, code, spelling) for spelling in values.tokens(value, type)])
            return
        for coding in codings:
            system, found = coding.get("system"), coding.get("code")
            short = len(system or "") + len(found or "") <= keys.REMEMBERED_LENGTH
            tokens = (_coded if short else _coded.__wrapped__)(name, code, system, found)
            row.tokens.update(tokens)
            if primary and found:
                if row.code == keys.NONE:
                    row.code = tokens[0]
                elif row.code != tokens[0]:
                    row.tokens.add(keys.token(name, "code+", f"{system or ''}|{found}"))

    return emit


def _reference(name: str, home: Home) -> Emit:
    type, code = home.type, home.code
    patient = any((parameter.code, home.steps) in belonging(name) for parameter, _ in home.parameters)
    any_target = _bits(home)
    targets = {target: _bits(home, target) for _, target in home.parameters if target is not None}

    def emit(value: Any, row: _Row) -> None:
        found = any_target
        for reference in values.references(value, type):
            for target, bits in targets.items():
                if values.points_to(reference, target):
                    found |= bits
            if not found:
                continue
            row.tokens.add(keys.token(name, code, reference))
            if patient and row.patient == keys.NONE and reference.startswith("Patient/"):
                row.patient = keys.key(reference)
        row.present |= found

    return emit


def _date(name: str, code: str, bits: int) -> Emit:
    parameter = keys.parameter(name, code)
    main = code == main_date(name)

    def emit(value: Any, row: _Row) -> None:
        row.present |= bits
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


def _number(name: str, code: str, bits: int) -> Emit:
    parameter = keys.parameter(name, code)

    def emit(value: Any, row: _Row) -> None:
        row.present |= bits
        span = number.stored(value)
        if span is not None:
            unit = number.unit_key(value) if isinstance(value, dict) else keys.NONE
            row.numbers.add(NumberValue(parameter, unit, *span))

    return emit


def _string(name: str, type: str, code: str, part: str, bits: int) -> Emit:
    parameter = keys.parameter(name, code)

    def emit(value: Any, row: _Row) -> None:
        row.present |= bits
        for text in values.strings(value, type, part):
            row.strings.add(StringValue(parameter, text))

    return emit


def _uri(name: str, code: str, bits: int) -> Emit:
    def emit(value: Any, row: _Row) -> None:
        row.present |= bits
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


def _bits(home: Home, target: str | None = None) -> int:
    """The bits of the parameters that look here, of those that see this target only."""
    return sum({1 << parameter.bit for parameter, seen in home.parameters if seen == target})


def _emitter(name: str, home: Home) -> Emit:
    match home.kind:
        case "token":
            return _token(name, home, _bits(home))
        case "reference":
            return _reference(name, home)
        case "date":
            return _date(name, home.code, _bits(home))
        case "string":
            return _string(name, home.type, home.code, home.steps[-1][0], _bits(home))
        case "uri":
            return _uri(name, home.code, _bits(home))
    return _number(name, home.code, _bits(home))


@cache
def _tree(name: str) -> Callable[[Resource, _Row], None]:
    root = Node()
    for home in homes(name):
        root.add(home.steps, _emitter(name, home))
    return root.walk


def area_of(resource: Resource) -> int:
    """The 12-digit division code of residence: of a Patient, a contained subject, an institution; 0 where unknown."""
    own = [resource, *(c for c in resource.get("contained", ()) if c.get("resourceType") == "Patient")]
    for holder in own:
        addresses = holder.get("address", [])
        for address in addresses if isinstance(addresses, list) else [addresses]:
            if not isinstance(address, dict):  # Endpoint.address is a URL
                continue
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
            row.present |= 1 << catalogue(name)[code].bit
    if name == "Patient":
        row.patient = keys.rid(name, id)
    low, high = row.date or (keys.NO_DATE, keys.NO_DATE)
    if high - low > date.LONG_US:
        row.tokens.add(long(name))
    row.tokens.add(keys.present(row.present))
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
