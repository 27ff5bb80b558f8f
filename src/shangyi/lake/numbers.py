"""Resident ids, insurance and phone numbers as SQL shows them: masked the way ``access.masking`` masks them in lists.

Whoever needs one asks for it at the resident, which leaves a ``reveal`` in the audit; a query does not.
"""

import re

from shangyi.access import masking
from shangyi.access.masking import CALLED, HIDDEN, INSURANCE_NUMBER, PERSONS, RESIDENT_ID
from shangyi.errors import ShangyiError
from shangyi.fhir import json
from shangyi.lake.row_view import RowView
from shangyi.query.columns import Column, Table


def _masked(value: str, first: int, last: int, hidden: int) -> str:
    dots = HIDDEN * hidden
    return (
        f"case when length({value}) < {first + last + 3} then '{dots}'"
        f" else left({value}, {first}) || '{dots}' || right({value}, {last}) end"
    )


def _id(value: str) -> str:
    return _masked(value, 4, 2, 10)


def _phone(value: str) -> str:
    return _masked(f"regexp_replace({value}, '[^\\p{{L}}\\p{{N}}+]', '', 'g')", 3, 4, 4)


IDENTITY = f" replace ({_id('resident_id')} as resident_id, {_id('insurance_number')} as insurance_number, {_phone('phone')} as phone)"
"""After ``*`` of the view that holds names and numbers."""


JSON_FUNCTION = "shangyi_masked"
"""The name under which an engine has ``masked_json``."""


def masked_json(text: str) -> str:
    """A resource within a resource, masked as ``access.masking`` masks it; nothing of what is no JSON."""
    try:
        found: str = json.dumps(masking.hidden(json.loads(text))[0]).decode()
    except ShangyiError:
        return "{}"
    return found


def hidden(table: Table) -> str:
    """After ``*`` of the table of a type: numbers masked wherever they stand, what has no columns withheld.

    ``rest_json`` holds parts of elements, of which a number's system may be in the columns: it is null.
    """
    person = table.resource_type in PERSONS
    found = ["null::varchar as rest_json"]
    for column in table.columns:
        made = _hidden(column, f'"{column.name}"', person, 0)
        if made:
            found.append(f'{made} as "{column.name}"')
    return f" replace ({', '.join(found)})"


def shown(view: RowView) -> bool:
    """Whether a view reads a column that ``hidden`` masks."""
    person = view.type in PERSONS
    masked = [column.name for column in view.table.columns if _hidden(column, "x", person, 0)]
    return bool(masked) and re.search(rf"\b(?:{'|'.join(masked)})\b", view.sql("source")) is not None


def _hidden(column: Column, value: str, person: bool, depth: int) -> str | None:
    """An expression for a column, or a field, with its numbers masked; None where it can hold none."""
    if column.many:
        item = f"i{depth}"
        made = _one(column, item, person, depth + 1)
        return made and f"list_transform({value}, lambda {item}: {made})"
    return _one(column, value, person, depth)


def _one(column: Column, value: str, person: bool, depth: int) -> str | None:
    if column.kind == "json":
        return f"{JSON_FUNCTION}({value})"
    if column.name == "subscriberId":
        return _id(value)
    if column.kind != "struct":
        return None
    changed = []
    for field in column.fields:
        inner = f'{value}."{field.name}"'
        made = _number(column, value, inner, person) if field.name == "value" else None
        made = made or _hidden(field, inner, person, depth)
        if made:
            changed.append(f'"{field.name}" := {made}')
    return (
        f"case when {value} is not null then struct_update({value}, {', '.join(changed)}) end"
        if changed
        else None
    )


def _number(column: Column, owner: str, value: str, person: bool) -> str | None:
    """The ``value`` of an Identifier or a ContactPoint; those of a Quantity have a unit or a code."""
    if column.field("system") is None or column.field("unit") or column.field("code"):
        return None
    system = f'{owner}."system"'
    called = ", ".join(f"'{each}'" for each in sorted(CALLED))
    phone = f" when {system} in ({called}) then {_phone(value)}" if person else ""
    return f"case when {system} in ('{RESIDENT_ID}', '{INSURANCE_NUMBER}') then {_id(value)}{phone} else {value} end"
