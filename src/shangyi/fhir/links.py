"""Links in a resource as the rules of transactions see them (http://hl7.org/fhir/R4/http.html#trules).

References, elements of the types uri, url, oid, uuid and canonical, and ``href`` and ``src`` in narratives; texts that
only look like a link stay as they are.
"""

import re
from collections.abc import Callable
from typing import Any

from shangyi.errors import NotSupported
from shangyi.fhir import definitions

Resource = dict[str, Any]
Replace = Callable[[str], str]

URIS = frozenset({"uri", "url", "oid", "uuid", "canonical"})
_IN_NARRATIVE = re.compile(r"""((?:href|src)\s*=\s*)(["'])([^"']*)\2""")


def relink(resource: Resource, reference: Replace, uri: Replace) -> Resource:
    """A copy with every ``Reference.reference`` through ``reference`` and every other link through ``uri``.

    Objects in which nothing changes are shared with the original, which is never changed itself.
    """
    found: Resource = _object(str(resource.get("resourceType")), resource, reference, uri)
    return found


def _object(type: str, value: Resource, reference: Replace, uri: Replace) -> Resource:
    try:
        properties = definitions.structure(type).properties
    except NotSupported:
        return value
    changed: Resource | None = None
    for name, item in value.items():
        if type == "Reference" and name == "reference" and isinstance(item, str):
            new: Any = reference(item)
        elif name in properties:
            new = _value(properties[name][1], item, reference, uri)
        elif name.startswith("_"):
            new = _value("Element", item, reference, uri)
        else:
            continue
        if new is not item and new != item:
            changed = changed or dict(value)
            changed[name] = new
    return value if changed is None else changed


def _value(type: str, item: Any, reference: Replace, uri: Replace) -> Any:
    if isinstance(item, list):
        items = [_value(type, one, reference, uri) for one in item]
        return items if any(a is not b for a, b in zip(items, item, strict=True)) else item
    if isinstance(item, dict):
        kind = str(item.get("resourceType")) if type == "Resource" else type
        return _object(kind, item, reference, uri)
    if isinstance(item, str) and type in URIS:
        return uri(item)
    if isinstance(item, str) and type == "xhtml":
        return _IN_NARRATIVE.sub(lambda m: f"{m[1]}{m[2]}{uri(m[3])}{m[2]}", item)
    return item
