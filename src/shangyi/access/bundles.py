"""The entries of a transaction, as far as they have to be decided (http://hl7.org/fhir/R4/http.html#transaction)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from shangyi.access.placement import relative
from shangyi.errors import Invalid
from shangyi.store.model import Resource

_VERBS = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
    "GET": "read",
    "HEAD": "read",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What one entry asks for. ``parameters``: of a search or a condition, None where there is none."""

    interaction: str
    type: str
    id: str | None
    parameters: list[tuple[str, str]] | None
    resource: Resource | None


def entries(bundle: Resource) -> list[Entry]:
    """The entries in their order. Raises Invalid for one that cannot be read."""
    found = bundle.get("entry") or []
    if not isinstance(found, list):
        raise Invalid("Bundle.entry is a list", "Bundle.entry")
    return [_entry(entry, number) for number, entry in enumerate(found)]


def _entry(entry: Any, number: int) -> Entry:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        raise Invalid("An entry needs a request with method and url", f"Bundle.entry[{number}]")
    method = request.get("method")
    if not isinstance(method, str) or method not in _VERBS:
        raise Invalid(
            "An entry needs a request with method and url", f"Bundle.entry[{number}].request.method"
        )
    interaction = _VERBS[method]
    path, question, query = request["url"].lstrip("/").partition("?")
    parts = path.split("/")
    type, id = parts[0], parts[1] if len(parts) > 1 and parts[1] else None
    parameters = parse_qsl(query, keep_blank_values=True) if question else None
    resource = entry.get("resource")
    if interaction in ("create", "update"):
        # The resource is what is written, whatever the address says.
        if not isinstance(resource, dict) or resource.get("resourceType") != type:
            raise Invalid(
                "The resource and the address of an entry differ", f"Bundle.entry[{number}].resource"
            )
        if interaction == "update" and id is not None and resource.get("id") != id:
            raise Invalid(
                "The resource and the address of an entry differ", f"Bundle.entry[{number}].resource.id"
            )
        if interaction == "create" and isinstance(request.get("ifNoneExist"), str):
            parameters = parse_qsl(request["ifNoneExist"].lstrip("?"), keep_blank_values=True)
    if interaction == "read":
        if id is None or id.startswith(("_", "$")):
            interaction, id = ("operation" if (id or "").startswith("$") else "search"), None
            parameters = parameters or []
        elif len(parts) > 2:
            interaction = "history" if parts[2] == "_history" else "operation"
    return Entry(interaction, type, id, parameters, resource if interaction in ("create", "update") else None)


def touched(bundle: Resource, answer: Resource) -> list[str]:
    """References to what the entries read and wrote, in their order."""
    found: dict[str, None] = {}
    asked = bundle.get("entry") or []
    for number, entry in enumerate(answer.get("entry") or []):
        location = (entry.get("response") or {}).get("location") or ""
        url = asked[number]["request"]["url"] if number < len(asked) else ""
        reference = relative(location) or relative(url)
        if reference:
            found[reference] = None
    return list(found)
