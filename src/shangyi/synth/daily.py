"""Daily counts: syndromes by institution, school absence, pharmacy sales. They see the hidden outbreaks too."""

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from shangyi.synth import chance
from shangyi.synth.build import iso
from shangyi.synth.calendar import holiday, in_term
from shangyi.synth.county import Town, county
from shangyi.synth.institutions import Institution, institutions
from shangyi.synth.outbreaks import Outbreak, outbreaks
from shangyi.synth.population import census
from shangyi.synth.tables import line, table

Row = tuple[str | int, ...]
Days = Sequence[int]


def _season(months: Sequence[float], days: Days) -> np.ndarray:
    middles = [(n - 0.5) * 365 / 12 for n in range(0, 14)]
    ring = [months[-1], *months, months[0]]
    return np.array([line(middles, ring, date.fromordinal(d).timetuple().tm_yday) for d in days])


def _calendar(weekdays: Sequence[float], days: Days) -> np.ndarray:
    data = table("streams")
    return np.array(
        [
            weekdays[date.fromordinal(d).weekday()]
            * (data["holiday"] if holiday(d) else 1)
            * data["years"].get(date.fromordinal(d).year, 1)
            for d in days
        ]
    )


def _noisy(random: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    size = table("streams")["overdispersion"]
    return random.poisson(mean * random.gamma(size, 1 / size, len(mean)))


def _town_share(town: Town) -> float:
    return sum(village.weight for village in town.villages)


def _extra(
    random: np.random.Generator, days: Days, seed: int, kinds: Sequence[str], per_case: float, share: Any
) -> np.ndarray:
    """Excess of outbreaks whose disease shows as one of ``kinds``, one or two days after onset."""
    first, last = days[0], days[-1]
    extra = np.zeros(len(days), dtype=np.int64)
    for outbreak in outbreaks(seed, first, last):
        syndrome = table("notifiable")["diseases"][outbreak.disease].get("syndrome")
        part = share(outbreak)
        if syndrome not in kinds or not outbreak.real or part <= 0:
            continue
        for onset in outbreak.onsets:
            index = onset - first + int(random.integers(0, 3))
            if 0 <= index < len(days):
                extra[index] += random.poisson(per_case * part)
    return extra


def _near(outbreak: Outbreak, town: str) -> float:
    """The part of an outbreak that lives in ``town``."""
    return sum(v.town == town for v in outbreak.villages) / len(outbreak.villages)


def syndromes(seed: int, days: Days) -> Iterator[Row]:
    """(date, institution, syndrome, count) for every day, reporting institution and syndrome."""
    data = table("streams")
    shares = data["institution_share"]
    visits = data["visits_per_1000_a_day"] * county().population / 1000
    usual = _calendar(data["weekdays"], days)
    dates = [iso(day) for day in days]
    places: list[tuple[str, float, Any]] = [
        (id, part, lambda outbreak, p=part: p) for id, part in shares.items()
    ]
    for town in county().towns:
        rest = (1 - sum(shares.values())) * _town_share(town)
        code = town.code
        places.append((f"health-{code[6:9]}", rest, lambda o, c=code: 0.55 * _near(o, c)))
    for number, (id, part, share) in enumerate(places):
        for order, (syndrome, entry) in enumerate(data["syndromes"].items()):
            random = chance.generator(seed, chance.STREAM, 1, number, order)
            mean = visits * part * entry["share"] * _season(entry["months"], days) * usual
            kinds = [kind for kind, seen in data["extra_of"].items() if syndrome in seen]
            counts = _noisy(random, mean) + _extra(random, days, seed, kinds, entry["per_case"], share)
            yield from zip(dates, [id] * len(dates), [syndrome] * len(dates), counts.tolist(), strict=True)


def _enrolled(place: Institution) -> int:
    assert place.pupils is not None
    low, high, share = place.pupils
    keys, cumulative = census()
    part = np.diff(cumulative, prepend=0.0)
    ages = sum(part[i] for i, (_, age) in enumerate(keys) if low <= age <= high)
    town = next(t for t in county().towns if t.code == place.town)
    people = 1.0 if low >= 15 else _town_share(town)
    return int(county().population * ages * share * people)


def school_absence(seed: int, days: Days) -> Iterator[Row]:
    """(date, school, enrolled, absent, absent for illness) for every school day."""
    data = table("streams")["school"]
    open_days = [day for day in days if in_term(day)]
    season = _season(data["months"], open_days)
    for number, place in enumerate(p for p in institutions().values() if p.pupils):
        random = chance.generator(seed, chance.STREAM, 2, number)
        enrolled = _enrolled(place)
        ill = _noisy(random, enrolled * data["ill_absence"] * season)
        other = _noisy(random, np.full(len(open_days), enrolled * data["other_absence"]))
        at = {day: index for index, day in enumerate(open_days)}
        for outbreak in outbreaks(seed, days[0], days[-1]):
            if outbreak.place is place:
                for onset in outbreak.onsets:
                    for day in range(onset, onset + data["days_absent"] + 1):
                        if day in at:
                            ill[at[day]] += 1
        for day, sick, away in zip(open_days, ill.tolist(), other.tolist(), strict=True):
            yield iso(day), place.id, enrolled, min(sick + away, enrolled), min(sick, enrolled)


def pharmacy_sales(seed: int, days: Days) -> Iterator[Row]:
    """(date, pharmacy, kind of medicine, boxes) for every day."""
    data = table("streams")
    dates = [iso(day) for day in days]
    usual = _calendar(data["pharmacy_weekdays"], days)
    shops = [p for p in institutions().values() if p.type == "pharmacy"]
    for number, shop in enumerate(shops):
        here = sum(other.town == shop.town for other in shops)
        for order, (kind, entry) in enumerate(data["pharmacy"].items()):
            random = chance.generator(seed, chance.STREAM, 3, number, order)
            mean = entry["boxes"] * _season(data["syndromes"][entry["of"]]["months"], days) * usual
            code = shop.town
            extra = _extra(
                random,
                days,
                seed,
                [entry["of"]],
                entry["per_case"],
                lambda o, c=code, n=here: _near(o, c) / n,
            )
            counts = (_noisy(random, mean) + extra).tolist()
            yield from zip(dates, [shop.id] * len(dates), [kind] * len(dates), counts, strict=True)


def populations() -> Iterator[Row]:
    """(division, sex, first age, last age, people) of every village in five-year ages; they sum to the county's people."""
    keys, cumulative = census()
    part = np.diff(cumulative, prepend=0.0)
    bands: dict[tuple[str, int], float] = {}
    for (sex, age), share in zip(keys, part, strict=True):
        bands[sex, min(age // 5 * 5, 85)] = bands.get((sex, min(age // 5 * 5, 85)), 0.0) + share
    exact, given = 0.0, 0
    for village in county().villages:
        for (sex, low), share in bands.items():
            exact += county().population * village.weight * share
            people = round(exact) - given  # what rounding takes from one is given to the next
            given += people
            yield village.code, sex, low, low + 4 if low < 85 else 120, people


TABLES = {
    "syndromes": ("date", "institution", "syndrome", "count"),
    "school_absence": ("date", "school", "enrolled", "absent", "ill"),
    "pharmacy_sales": ("date", "pharmacy", "kind", "boxes"),
    "populations": ("division", "sex", "age_from", "age_to", "people"),
}


def write_tables(out_dir: Path, seed: int, first: int, last: int) -> None:
    """Writes the four tables as CSV (UTF-8, a heading line)."""
    days = range(first, last + 1)
    rows = {
        "syndromes": syndromes(seed, days),
        "school_absence": school_absence(seed, days),
        "pharmacy_sales": pharmacy_sales(seed, days),
        "populations": populations(),
    }
    for name, heading in TABLES.items():
        with (out_dir / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(heading)
            writer.writerows(rows[name])
