"""Towns and villages of the reader's area, as the divisions (Location ``div-<code>``) of the record say."""

import time
from dataclasses import dataclass, field

from shangyi.errors import ShangyiError
from shangyi.web.context import Context
from shangyi.web.memory import of_store

Place = tuple[str, str]
"""(12-digit code, name)."""
KEPT_S = 300.0
MOST = "1000"


@dataclass
class Searched:
    """Divisions by what they were searched for, and when."""

    kept: dict[str, tuple[float, list[Place]]] = field(default_factory=dict)


def towns(context: Context) -> list[Place]:
    """The towns within the area, or the one that it lies in."""
    digits = context.principal.area.digits
    if len(digits) >= 9:
        return _named(context, digits[:9] + "000")
    if len(digits) == 6:
        return _below(context, digits + "000000")
    found = _search(context, "physicaltype", "area")
    return [place for place in found if place[0].startswith(digits) and is_town(place[0])]


def villages(context: Context, town: str) -> list[Place]:
    """The villages of a town, or the one that the area is."""
    digits = context.principal.area.digits
    if len(digits) == 12:
        return _named(context, digits)
    return _below(context, town) if town.isdigit() and len(town) == 12 else []


def is_town(code: str) -> bool:
    """Whether a division code is that of a town or street."""
    return code[6:9] != "000" and code[9:] == "000"


def _named(context: Context, code: str) -> list[Place]:
    try:
        return [(code, context.session.read("Location", f"div-{code}").resource.get("name", code))]
    except ShangyiError:
        return [(code, code)]


def _below(context: Context, code: str) -> list[Place]:
    return _search(context, "partof", f"Location/div-{code}")


def _search(context: Context, name: str, value: str) -> list[Place]:
    searched = of_store(context.access.records, Searched).kept
    kept = searched.get(value)
    if kept is None or time.monotonic() - kept[0] > KEPT_S:
        found = context.resources("Location", (name, value), ("_count", MOST))
        places = sorted(
            (location["id"].removeprefix("div-"), location.get("name", ""))
            for location in found
            if location["id"].startswith("div-")
        )
        kept = searched[value] = (time.monotonic(), places)
    return kept[1]
