"""References between resources (http://hl7.org/fhir/R4/references.html): read, walk, rewrite."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from shangyi.fhir import definitions

Resource = dict[str, Any]
_LITERAL = re.compile(
    r"(?:(?P<base>https?://\S+)/)?(?P<type>[A-Z]\w+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
)
_CONDITIONAL = re.compile(r"(?P<type>[A-Z]\w+)\?(?P<query>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A reference taken apart. ``kind``: relative, absolute, contained, conditional, urn, or other.

    ``id`` of a contained reference is what follows ``#`` (empty: the container itself); ``query`` of a
    conditional one is what follows ``?``.
    """

    kind: str
    type: str | None = None
    id: str | None = None
    version: str | None = None
    base: str | None = None
    query: str | None = None


def parse(reference: str) -> Parsed:
    """A ``Reference.reference`` by its form; never raises."""
    if reference.startswith("#"):
        return Parsed("contained", id=reference[1:])
    if reference.startswith("urn:"):
        return Parsed("urn")
    if (match := _CONDITIONAL.fullmatch(reference)) and definitions.is_resource_type(match["type"]):
        return Parsed("conditional", match["type"], query=match["query"])
    if (match := _LITERAL.fullmatch(reference)) and definitions.is_resource_type(match["type"]):
        kind = "absolute" if match["base"] else "relative"
        return Parsed(kind, match["type"], match["id"], match["version"], match["base"])
    return Parsed("other")


def walk(resource: Resource) -> Iterator[tuple[str, Resource]]:
    """Every object with a text ``reference``, and its place by JSON names: ``Patient.link[0].other``."""
    todo: list[tuple[str, Any]] = [(str(resource.get("resourceType", "")), resource)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict):
            if isinstance(value.get("reference"), str):
                yield path, value
            todo += [
                (f"{path}.{name}", item) for name, item in value.items() if isinstance(item, (dict, list))
            ]
        elif isinstance(value, list):
            todo += [(f"{path}[{index}]", item) for index, item in enumerate(value)]


def rewrite(value: Any, replace: Callable[[str], str | None]) -> Any:
    """A copy with each ``reference`` replaced by what ``replace`` answers; None keeps it.

    Parts in which nothing changes are shared with the original, which is never changed itself.
    """
    if isinstance(value, dict):
        changed: Resource | None = None
        for name, item in value.items():
            if name == "reference" and isinstance(item, str):
                answer = replace(item)
                new = item if answer is None else answer
            elif isinstance(item, (dict, list)):
                new = rewrite(item, replace)
            else:
                continue
            if new is not item:
                changed = changed or dict(value)
                changed[name] = new
        return value if changed is None else changed
    if isinstance(value, list):
        items = [rewrite(item, replace) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value
