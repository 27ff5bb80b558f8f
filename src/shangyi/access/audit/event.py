"""One access, and the line that it is in the spool: a row in the text format of PostgreSQL's COPY.

https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2: tab between columns, ``\\N`` for null, backslash
escapes. So what is taken over into the database is the file's bytes as they are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shangyi.access.model import Origin, Principal

COLUMNS = (
    "recorded, type, subtype, action, outcome, description, agent, agent_name, role, who, purpose, address,"
    " user_agent, request, entities, query, detail"
)

SUCCESS, MINOR, SERIOUS, MAJOR = 0, 4, 8, 12
"""http://hl7.org/fhir/R4/valueset-audit-event-outcome.html; serious: refused, major: the server failed."""

REST = "rest"
LOGIN, LOGOUT, ALERT, ATTRIBUTES, EXPORT, IMPORT = (
    "110122",
    "110123",
    "110127",
    "110137",
    "110106",
    "110107",
)
"""DICOM codes (http://dicom.nema.org/resources/ontology/DCM)."""

_SPECIAL = re.compile("[\x00\\\\\b\f\n\r\t\v\ud800-\udfff]")
_ESCAPES = {
    "\x00": "�",
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
_PLAIN = re.compile(r"(?!(?i:null)\Z)[A-Za-z0-9/.\-_]+")
"""What needs no quotes in an array; NULL without them is no text."""
LONGEST = 4096
"""Characters kept of a query or a description."""


@dataclass(slots=True)
class Event:
    """What happened; filled in as it goes on. ``entities`` are references, ``detail`` name → value."""

    subtype: str
    action: str
    principal: Principal
    origin: Origin
    purpose: str
    type: str = REST
    outcome: int = SUCCESS
    description: str | None = None
    entities: Sequence[str] = ()
    query: str | None = None
    detail: dict[str, object] = field(default_factory=dict)

    def line(self, recorded: datetime | None = None) -> bytes:
        """The row, with its newline."""
        who, where = self.principal, self.origin
        detail = "\t".join(f"{name}={value}" for name, value in self.detail.items()) if self.detail else None
        return (
            f"{(recorded or datetime.now(UTC)).isoformat()}\t{self.type}\t{_text(self.subtype)}\t{self.action}"
            f"\t{self.outcome}\t{_text(self.description)}\t{who.id}\t{_text(who.name)}\t{who.role.value}"
            f"\t{_text(who.practitioner)}\t{_text(self.purpose)}\t{_text(where.address)}"
            f"\t{_text(where.user_agent)}\t{_text(where.request_id)}\t{_array(self.entities)}"
            f"\t{_text(self.query)}\t{_text(detail)}\n"
        ).encode("utf-8", "replace")


def _text(value: str | None) -> str:
    if value is None:
        return "\\N"
    if len(value) > LONGEST:
        value = value[:LONGEST]
    if _SPECIAL.search(value) is None:
        return value
    return _SPECIAL.sub(lambda match: _ESCAPES.get(match[0], "�"), value)


def _array(values: Sequence[str]) -> str:
    if not values:
        return "{}"
    if all(map(_PLAIN.fullmatch, values)):
        return "{" + ",".join(values) + "}"
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return "".join(
        _SPECIAL.sub(lambda m: _ESCAPES.get(m[0], "�"), part) for part in ("{", ",".join(quoted), "}")
    )
