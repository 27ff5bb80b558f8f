"""The county: towns and villages, how many live in each, and where they lie on the map."""

import math
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from shangyi.synth import chance, polygons
from shangyi.synth.polygons import Point
from shangyi.synth.tables import table


@dataclass(frozen=True)
class Village:
    """A village or an urban community. ``weight``: share of the county's people."""

    code: str
    name: str
    town: str
    weight: float
    at: Point
    outline: tuple[Point, ...]


@dataclass(frozen=True)
class Town:
    """A town (镇) or township (乡)."""

    code: str
    name: str
    english: str
    urban: bool
    at: Point
    outline: tuple[Point, ...]
    villages: tuple[Village, ...]


@dataclass(frozen=True)
class County:
    """The whole; the same for every seed, so that codes and maps stay."""

    code: str
    name: str
    english: str
    population: int
    outline: tuple[Point, ...]
    towns: tuple[Town, ...]

    @property
    def division(self) -> str:
        """The county's 12-digit division code."""
        return f"{self.code}000000"

    @property
    def villages(self) -> list[Village]:
        """All of them, in the order of their codes."""
        return [village for town in self.towns for village in town.villages]

    def town_of(self, village: Village) -> Town:
        """The town that a village belongs to."""
        return next(town for town in self.towns if town.code == village.town)


def _points(random: Random, outline: list[Point], count: int) -> list[Point]:
    """``count`` points spread evenly over a convex outline (Lloyd's relaxation)."""
    xs, ys = [p[0] for p in outline], [p[1] for p in outline]
    points: list[Point] = []
    while len(points) < count:
        point = (random.uniform(min(xs), max(xs)), random.uniform(min(ys), max(ys)))
        if polygons.contains(outline, point):
            points.append(point)
    for _ in range(3):
        points = [polygons.centroid(cell) for cell in polygons.cells(outline, points)]
    return points


def _rounded(outline: list[Point]) -> tuple[Point, ...]:
    return tuple((round(x, 5), round(y, 5)) for x, y in outline)


def _town(random: Random, entry: dict[str, Any], outline: list[Point], whole: float, data: Any) -> Town:
    names = entry["villages"]
    points = sorted(
        _points(random, outline, len(names)), key=lambda p: math.dist(p, entry["at"])
    )  # the street community lies in the middle of its town
    shapes = polygons.cells(outline, points)
    sizes = [
        random.lognormvariate(0, data["village_spread"])
        * (data["community_weight"] if name.endswith("社区") else 1)
        for name in names
    ]
    villages, numbers = [], {True: 1, False: 200}
    for name, at, shape, size in zip(names, points, shapes, sizes, strict=True):
        community = name.endswith("社区")
        code = f"{entry['code']}{numbers[community]:03d}"
        numbers[community] += 1
        weight = entry["weight"] / whole * size / sum(sizes)
        place = (round(at[0], 5), round(at[1], 5))
        villages.append(Village(code, name, entry["code"] + "000", weight, place, _rounded(shape)))
    centre = (float(entry["at"][0]), float(entry["at"][1]))
    urban = entry.get("urban", False)
    return Town(
        entry["code"] + "000", entry["zh"], entry["en"], urban, centre, _rounded(outline), tuple(villages)
    )


@cache
def county() -> County:
    """The county of ``data/county.yaml``."""
    data = table("county")
    outline: list[Point] = [(float(x), float(y)) for x, y in data["outline"]]
    if polygons.area(outline) < 0:
        outline.reverse()
    random = chance.scalar(int(data["code"]), chance.COUNTY)
    shapes = polygons.cells(outline, [(t["at"][0], t["at"][1]) for t in data["towns"]])
    whole = sum(town["weight"] for town in data["towns"])
    towns = [_town(random, t, s, whole, data) for t, s in zip(data["towns"], shapes, strict=True)]
    return County(data["code"], data["zh"], data["en"], data["population"], _rounded(outline), tuple(towns))


def geojson() -> dict[str, Any]:
    """Boundaries as a FeatureCollection (RFC 7946): county, towns, villages; property ``level`` says which."""
    here = county()

    def feature(code: str, name: str, level: str, part_of: str, outline: tuple[Point, ...]) -> dict[str, Any]:
        ring = [list(point) for point in (*outline, outline[0])]
        properties = {"code": code, "name": name, "level": level, "partOf": part_of}
        return {
            "type": "Feature",
            "id": code,
            "properties": properties,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    features = [feature(here.division, here.name, "county", "", here.outline)]
    for town in here.towns:
        features.append(feature(town.code, town.name, "town", here.division, town.outline))
        features += [feature(v.code, v.name, "village", town.code, v.outline) for v in town.villages]
    return {"type": "FeatureCollection", "features": features}
