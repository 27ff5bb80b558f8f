"""Small trend: a sparkline in SVG, drawn at the server, so that it prints and needs no script."""

from collections.abc import Sequence
from dataclasses import dataclass

from shangyi.web.components.tag import Tag

WIDTH, HEIGHT, MARGIN = 200.0, 56.0, 4.0


@dataclass(frozen=True, slots=True)
class Trend:
    """A laboratory value: the latest with its unit, its state, and the course. ``range``: the reference range in words. ``points``: (day number, value)."""

    label: str
    value: str
    unit: str
    points: Sequence[tuple[float, float]]
    state: Tag | None = None
    date: str = ""
    href: str = ""
    range: str = ""

    @property
    def path(self) -> str:
        """The polyline's points in a box of 200 × 56."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self._scaled())

    @property
    def area(self) -> str:
        """The polygon under the line."""
        scaled = self._scaled()
        return f"{scaled[0][0]:.1f},{HEIGHT} {self.path} {scaled[-1][0]:.1f},{HEIGHT}" if scaled else ""

    def _scaled(self) -> list[tuple[float, float]]:
        if not self.points:
            return []
        xs, ys = zip(*self.points, strict=True)
        width, height = (max(xs) - min(xs)) or 1, (max(ys) - min(ys)) or 1
        flat = max(ys) == min(ys)
        return [
            (
                MARGIN + (x - min(xs)) / width * (WIDTH - 2 * MARGIN),
                HEIGHT / 2 if flat else HEIGHT - MARGIN - (y - min(ys)) / height * (HEIGHT - 2 * MARGIN),
            )
            for x, y in self.points
        ]
