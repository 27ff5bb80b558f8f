"""``resolve()``: contained resources, entries of the same Bundle, and what the caller's resolver finds."""

import re
from functools import cache
from typing import Any

from shangyi.fhir import definitions
from shangyi.query.closures.evaluation import Evaluation
from shangyi.query.closures.values import Element, Item, resource


def resolve(item: Item, at: Evaluation) -> Element | None:
    """The resource that a Reference, canonical or uri points to, None where it is not at hand."""
    target = _target(item)
    if target is None:
        return None
    holder = item if isinstance(item, Element) else at.resource
    if target.startswith("#"):
        return _contained(target[1:], _outer(holder) or at.root)
    found = _entry(target, holder) or _entry(target, at.root)
    if found is None and at.resolver is not None:
        value = at.resolver(target)
        found = None if value is None else resource(value)
    return found


def _target(item: Item) -> str | None:
    value = item.value if isinstance(item, Element) else item
    if isinstance(value, dict):
        value = value.get("reference")
    return value if isinstance(value, str) and value else None


def _outer(element: Element | None) -> Element | None:
    """The resource that holds the contained ones: the nearest that is not itself contained."""
    while element is not None:
        if definitions.is_resource_type(element.type) and element.name != "contained":
            return element
        element = element.parent
    return None


def _contained(id_: str, holder: Element | None) -> Element | None:
    if holder is None:
        return None
    if not id_:
        return holder
    contained = holder.value.get("contained") or []
    for index, value in enumerate(contained):
        if isinstance(value, dict) and value.get("id") == id_:
            return resource(value, holder, "contained", index)
    return None


def _entry(target: str, element: Element | None) -> Element | None:
    """The entry of the Bundle around ``element`` that has this URL, or this type and id."""
    base = ""
    while element is not None:
        if element.type == "Bundle.entry" and not base:
            base = _base(element.value.get("fullUrl"))
        if element.type == "Bundle":
            return _find(target, base, element)
        element = element.parent
    return None


def _find(target: str, base: str, bundle: Element) -> Element | None:
    absolute = target if ":" in target.split("/")[0] else base + target
    for index, entry in enumerate(bundle.value.get("entry") or []):
        value: Any = entry.get("resource")
        if not isinstance(value, dict):
            continue
        own = f"{value.get('resourceType')}/{value.get('id')}"
        if entry.get("fullUrl") == absolute or (not base and target == own):
            return resource(value, Element(entry, "Bundle.entry", None, bundle, "entry", index), "resource")
    return None


def _base(url: Any) -> str:
    """``http://server/fhir/`` of ``http://server/fhir/Patient/1``; "" of a URN."""
    if not isinstance(url, str) or not url.startswith("http"):
        return ""
    return "/".join(url.split("/")[:-2]) + "/"


@cache
def key_pattern(type_name: str | None) -> str:
    """A regular expression of references that lead to a resource of a type (None: any), relative or absolute."""
    return (
        rf"^(https?://[^ ?#]+/)?{type_name or '[A-Z][A-Za-z]+'}/[A-Za-z0-9.-]{{1,64}}"
        r"(/_history/[A-Za-z0-9.-]{1,64})?$"
    )


def reference_key(reference: Any, type_name: str | None) -> str | None:
    """``Patient/1`` of a relative reference, the address of one elsewhere; None where it is neither.

    Equal to ``getResourceKey()`` of the resource here, and of no other (SQL on FHIR leaves the form of keys open).
    """
    if not isinstance(reference, str) or not re.search(key_pattern(type_name), reference):
        return None
    return reference.split("/_history/")[0]
