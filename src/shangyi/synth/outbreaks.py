"""Hidden outbreaks: which, where, when and how large. Their truth is written apart from the records."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from random import Random
from typing import Any

from shangyi.synth import chance
from shangyi.synth.calendar import in_term
from shangyi.synth.county import Village, county
from shangyi.synth.institutions import Institution, institutions
from shangyi.synth.tables import table


@dataclass(frozen=True)
class Outbreak:
    """``onsets``: the excess cases' days of onset, those after the last day left out. ``planned``: with them."""

    id: str
    kind: str
    disease: str
    pathogen: str | None
    real: bool
    start: int
    end: int
    villages: tuple[Village, ...]
    place: Institution | None
    onsets: tuple[int, ...]
    planned: int
    course: str


def _onsets(random: Random, course: str, start: int, days: int, size: int) -> list[int]:
    if course == "point":
        return [start + min(int(random.lognormvariate(0.35, 0.55)), days) for _ in range(size)]
    if course == "chain":
        return [start, *(start + int(days * random.betavariate(2.2, 1.8)) for _ in range(size - 1))]
    if course == "season":
        return [start + int(days * random.betavariate(3, 3)) for _ in range(size)]
    return [start + random.randrange(days) for _ in range(size)]


def _place(random: Random, setting: str) -> tuple[tuple[Village, ...], Institution | None]:
    here = county()
    town = chance.pick(random, here.towns)
    if setting == "county":
        return tuple(here.villages), None
    if setting == "hospital":
        return tuple(here.villages), institutions()["hospital"]
    if setting == "village":
        return (chance.pick(random, town.villages),), None
    if setting == "town":
        return tuple(random.sample(town.villages, min(4, len(town.villages)))), None
    kinds = {"kindergarten": ("kindergarten",), "school": ("primary", "middle")}[setting]
    return town.villages, institutions()[f"{chance.pick(random, kinds)}-{town.code[6:9]}"]


def _suits(entry: Any, place: Institution | None, start: int, quiet: Any) -> bool:
    """In its months, not while everybody stayed at home, nor from abroad while borders were closed, in term at a school."""
    until = quiet["borders_until"] if entry["kind"] == "importation" else quiet["until"]
    if date.fromordinal(start).month not in entry["months"]:
        return False
    if quiet["from"].toordinal() <= start <= until.toordinal():
        return False
    span = range(start, start + min(entry["days"], 28))
    return not (place and place.pupils) or sum(map(in_term, span)) >= len(span) * 0.55


def _start(random: Random, entry: Any, place: Institution | None, first: int, last: int) -> int:
    quiet = table("outbreaks")["quiet"]
    for _ in range(3000):
        start = random.randint(first + 400, last - entry["days"] - 20)
        if _suits(entry, place, start, quiet):
            return start
    return first + 400


@lru_cache(4)
def outbreaks(seed: int, first: int, last: int) -> tuple[Outbreak, ...]:
    """All of them, by their start."""
    random = chance.scalar(seed, chance.OUTBREAK)
    data = table("outbreaks")
    found = []
    used: set[str] = set()
    for entry in data["outbreaks"]:
        for _ in range(entry["count"]):
            running = entry.get("running", False)
            villages, place = _place(random, entry["setting"])
            while place and place.pupils and place.id in used:  # no school has two
                villages, place = _place(random, entry["setting"])
            used.add(place.id if place else "")
            start = last - data["running_days"] + 1 if running else _start(random, entry, place, first, last)
            size = random.randint(*entry["size"])
            onsets = sorted(_onsets(random, entry["course"], start, entry["days"], size))
            if running:  # the last day has a case that falls ill on it, and the chain goes on
                onsets = sorted([*onsets[:-1], last])
            kept = tuple(day for day in onsets if day <= last)
            found.append((entry, start, onsets, kept, villages, place))
    found.sort(key=lambda f: (f[1], f[0]["disease"]))
    return tuple(_outbreak(number, *parts) for number, parts in enumerate(found, 1))


def _outbreak(
    number: int,
    entry: Any,
    start: int,
    onsets: list[int],
    kept: tuple[int, ...],
    villages: tuple[Village, ...],
    place: Institution | None,
) -> Outbreak:
    return Outbreak(
        f"outbreak-{number:02d}",
        entry["kind"],
        entry["disease"],
        entry.get("pathogen"),
        entry.get("real", True),
        start,
        max(onsets, default=start + entry["days"]),
        villages,
        place,
        kept,
        len(onsets),
        entry["course"],
    )


def during(seed: int, first: int, last: int, start: int, end: int) -> Iterator[tuple[Outbreak, int]]:
    """Every excess case with onset from ``start`` to ``end``: its outbreak and day of onset."""
    for outbreak in outbreaks(seed, first, last):
        for onset in outbreak.onsets:
            if start <= onset <= end:
                yield outbreak, onset
