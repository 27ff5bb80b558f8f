"""Resident ids, insurance and phone numbers as SQL shows them: masked the way ``access.masking`` masks them in lists.

Whoever needs one asks for it at the resident, which leaves a ``reveal`` in the audit; a query does not.
"""

from shangyi.access.masking import CALLED, HIDDEN, INSURANCE_NUMBER, PERSONS, RESIDENT_ID
from shangyi.query.columns import Table


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


def hidden(table: Table) -> str:
    """After ``*`` of the table of a type: its columns of numbers masked; nothing where it has none."""
    found = []
    whose = f"'{RESIDENT_ID}', '{INSURANCE_NUMBER}'"
    for name, systems, mask in (
        ("identifier", whose, _id("i.value")),
        ("telecom", ", ".join(f"'{system}'" for system in sorted(CALLED)), _phone("i.value")),
    ):
        column = table.column(name)
        if column is None or not (column.many and column.field("system") and column.field("value")):
            continue
        if name == "telecom" and table.resource_type not in PERSONS:
            continue
        value = f"struct_update(i, value := case when i.system in ({systems}) then {mask} else i.value end)"
        found.append(
            f"list_transform({name}, lambda i: case when i is null then null else {value} end) as {name}"
        )
    if table.column("subscriberId"):
        found.append(f'{_id(chr(34) + "subscriberId" + chr(34))} as "subscriberId"')
    return f" replace ({', '.join(found)})" if found else ""
