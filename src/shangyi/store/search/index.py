"""The search rows of a resource: one walk over its elements, compiled per type."""

from collections.abc import Callable
from functools import cache
from typing import Any

from shangyi.fhir import definitions
from shangyi.store import keys
from shangyi.store.index import DateValue, IndexRow, NumberValue, StringValue
from shangyi.store.search import date, extract
from shangyi.store.search.catalogue import COMPUTED, Home, catalogue, homes
from shangyi.store.search.extract import Extracted
from shangyi.store.search.path import Emit, Node

Resource = dict[str, Any]
DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
PATIENT_PARAMETERS = ("patient", "subject", "beneficiary", "individual", "individual-subject")
"""Whose resource it is; a type without them (Group, Appointment) belongs to the first resident it puts into a compartment."""


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


def _emitter(name: str, home: Home) -> Emit:
    match home.kind:
        case "token":
            return extract.token(name, home)
        case "reference":
            whose = any((parameter.code, home.steps) in belonging(name) for parameter, _ in home.parameters)
            return extract.reference(name, home, whose)
        case "date":
            return extract.when(name, home)
        case "string":
            return extract.string(name, home)
        case "uri":
            return extract.uri(name, home)
    return extract.quantity(name, home)


@cache
def _tree(name: str) -> Callable[[Resource, Extracted], None]:
    root = Node()
    for home in homes(name):
        root.add(home.steps, _emitter(name, home))
    return root.walk


@cache
def _computed(name: str) -> tuple[tuple[tuple[str, ...], int, bytes, bytes], ...]:
    """Of each computed parameter of a type: its elements, its bit, its tokens of false and true."""
    return tuple(
        (
            elements,
            1 << catalogue(name)[code].bit,
            keys.token_bytes(name, code, "false"),
            keys.token_bytes(name, code, "true"),
        )
        for (type, code), elements in COMPUTED.items()
        if type == name
    )


def area_of(resource: Resource) -> int:
    """The 12-digit division code of residence: of a Patient, a contained subject, an institution; 0 where unknown."""
    if "address" not in resource and "contained" not in resource:
        return 0
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


def extracted(resource: Resource) -> Extracted:
    """The search values of a resource that has a type and an id."""
    name = resource["resourceType"]
    row = Extracted()
    _tree(name)(resource, row)
    for elements, bit, no, yes in _computed(name):
        row.tokens.add(yes if any(resource.get(element) for element in elements) else no)
        row.present |= bit
    if name == "Patient":
        row.patient = keys.rid(name, resource["id"])
    if row.date and row.date[1] - row.date[0] > date.LONG_US:
        row.tokens.add(keys.bytes_of(long(name)))
    row.tokens.add(keys.bytes_of(keys.present(row.present)))
    return row


def rows(resource: Resource) -> IndexRow:
    """The index row of a resource that has a type and an id."""
    row = extracted(resource)
    low, high = row.date or (keys.NO_DATE, keys.NO_DATE)
    return IndexRow(
        patient=row.patient,
        area=area_of(resource),
        code=keys.number_of(row.code),
        date=low,
        date_end=high,
        tokens=sorted(map(keys.number_of, row.tokens)),
        dates=[DateValue(*value) for value in sorted(row.dates)],
        numbers=[NumberValue(*value) for value in sorted(row.numbers)],
        strings=[StringValue(*value) for value in sorted(row.strings)],
    )
