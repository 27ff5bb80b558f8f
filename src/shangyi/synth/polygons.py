"""Convex polygons cut into cells around given points (Voronoi 1908), enough for a small county's map."""

from collections.abc import Sequence

Point = tuple[float, float]


def nearer(polygon: Sequence[Point], here: Point, there: Point) -> list[Point]:
    """The part of a convex ``polygon`` that is nearer to ``here`` than to ``there``."""
    nx, ny = there[0] - here[0], there[1] - here[1]
    limit = nx * (here[0] + there[0]) / 2 + ny * (here[1] + there[1]) / 2
    side = [nx * x + ny * y - limit for x, y in polygon]
    kept: list[Point] = []
    for index, (x, y) in enumerate(polygon):
        following = (index + 1) % len(polygon)
        if side[index] <= 0:
            kept.append((x, y))
        if (side[index] < 0) != (side[following] < 0) and side[index] != side[following]:
            part = side[index] / (side[index] - side[following])
            ahead = polygon[following]
            kept.append((x + part * (ahead[0] - x), y + part * (ahead[1] - y)))
    return kept


def cells(polygon: Sequence[Point], points: Sequence[Point]) -> list[list[Point]]:
    """The cell of each point inside a convex ``polygon``."""
    result = []
    for here in points:
        cell = list(polygon)
        for there in points:
            if there != here:
                cell = nearer(cell, here, there)
        result.append(cell)
    return result


def area(polygon: Sequence[Point]) -> float:
    """Square units, positive when counter-clockwise."""
    return (
        sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(polygon, [*polygon[1:], polygon[0]], strict=True)) / 2
    )


def centroid(polygon: Sequence[Point]) -> Point:
    """The centre of mass of a convex polygon."""
    total = area(polygon) * 6
    x = y = 0.0
    for a, b in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        cross = a[0] * b[1] - b[0] * a[1]
        x += (a[0] + b[0]) * cross
        y += (a[1] + b[1]) * cross
    return x / total, y / total


def contains(polygon: Sequence[Point], point: Point) -> bool:
    """Whether a convex counter-clockwise ``polygon`` contains ``point``."""
    return all(
        (b[0] - a[0]) * (point[1] - a[1]) >= (b[1] - a[1]) * (point[0] - a[0])
        for a, b in zip(polygon, [*polygon[1:], polygon[0]], strict=True)
    )
