"""Where a resource belongs: its resident, and the division where that resident lives."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg_pool import ConnectionPool

from shangyi.store import keys
from shangyi.store.model import Resource

DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"


@dataclass(frozen=True, slots=True)
class Placement:
    """``resident``: its rid, 0 for none. ``area``: 12-digit division code, the resident's if there is one, 0 unknown."""

    resident: int
    area: int

    @property
    def placed(self) -> bool:
        """Whether it belongs to anybody or anywhere."""
        return bool(self.resident or self.area)


NOWHERE = Placement(0, 0)

_SQL = """
select s.rid, s.patient, case when s.patient in (0, s.rid) then s.area else coalesce(p.area, 0) end
from search s left join search p on p.rid = s.patient and s.patient not in (0, s.rid)
where s.rid = any(%s)
"""


class Places:
    """Looks placements up in the ``search`` table: one query for any number of references."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool

    def of(self, references: Iterable[str]) -> dict[str, Placement]:
        """Reference ``Type/id`` → placement, for those that exist now."""
        rids = {keys.key(reference): reference for reference in references}
        if not rids:
            return {}
        with self.pool.connection() as connection:
            rows = connection.execute(_SQL, (list(rids),)).fetchall()
        return {rids[rid]: Placement(resident, area) for rid, resident, area in rows}


def references(resource: Any) -> Iterator[str]:
    """Every literal reference in a resource, those in contained resources and extensions too."""
    if isinstance(resource, dict):
        for name, value in resource.items():
            if name == "reference" and isinstance(value, str):
                yield value
            elif isinstance(value, dict | list):
                yield from references(value)
    elif isinstance(resource, list):
        for value in resource:
            if isinstance(value, dict | list):
                yield from references(value)


def relative(reference: str) -> str | None:
    """``Type/id`` of a literal reference, without version; None for another kind (``#x``, ``urn:``, ``Type?…``)."""
    parts = reference.split("/_history/")[0].split("/")
    if (
        len(parts) < 2
        or not parts[-2][:1].isupper()
        or "?" in reference
        or reference.startswith(("#", "urn:"))
    ):
        return None
    return f"{parts[-2]}/{parts[-1]}"


def divisions(resource: Resource) -> list[int]:
    """The division codes of a Patient's addresses (or of a Patient contained in a case report)."""
    found = []
    people: Sequence[Resource] = [resource, *resource.get("contained", ())]
    for person in people:
        if person.get("resourceType") != "Patient":
            continue
        for address in person.get("address") or ():
            for extension in address.get("extension") or ():
                code = (extension.get("valueCoding") or {}).get("code", "")
                if extension.get("url") == DIVISION and str(code).isdigit() and len(str(code)) == 12:
                    found.append(int(code))
    return found
