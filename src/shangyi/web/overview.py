"""The figures of the overview: computed over the reader's scope, kept for a while, renewed in the background."""

import datetime as dt
import threading
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from shangyi.store import keys, statistics
from shangyi.store.model import Scope
from shangyi.web import formats

FRESH_S, STALE_S = 60, 900
BAND_YEARS, LAST_BAND = 5, 85
VISIT_DAYS = 90
MOST_CONDITIONS = 10


@dataclass(frozen=True, slots=True)
class Cascade:
    """Residents diagnosed, of those treated, of those controlled."""

    diagnosed: int
    treated: int
    controlled: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page. ``pyramid``: (age band, male, female). ``conditions``: (concept, residents)."""

    as_of: dt.datetime
    residents: int
    aged_65: int
    pyramid: list[tuple[str, int, int]]
    conditions: list[tuple[dict[str, Any], int]]
    visits: list[tuple[dt.date, int]]
    cascade: Cascade
    by_town: list[tuple[str, int, Cascade]]


@cache
def definition() -> dict[str, Any]:
    """The cascade's codes and targets, with their source."""
    file = resources.files("shangyi.web").joinpath("data", "cascade.yaml")
    return msgspec.yaml.decode(file.read_bytes(), type=dict[str, Any])


def token(resource_type: str, coding: dict[str, Any], code: str) -> int:
    """The key under which the search rows hold a primary code."""
    return keys.token(resource_type, "code", f"{coding['system']}|{code}")


def compute(records: Any, scope: Scope) -> Overview:
    """All figures, in one read-only transaction."""
    now = dt.datetime.now(formats.ZONE)
    with records.transaction_connection() as connection:
        people = statistics.residents(connection, records.codec, scope)
        commonest = statistics.conditions(connection, records.codec, scope, MOST_CONDITIONS)
        visits = statistics.per_day(
            connection,
            "Encounter",
            now.date() - dt.timedelta(days=VISIT_DAYS),
            now.date() - dt.timedelta(days=1),
            scope,
        )
        living = {person.rid: person for person in people}
        diagnosed, treated, controlled = _cascade(connection, records.codec, scope, living, now)
    towns = Counter(person.town for person in people if person.town)

    def of(town: str) -> Cascade:
        counts = [
            sum(living[rid].town == town for rid in group) for group in (diagnosed, treated, controlled)
        ]
        return Cascade(*counts)

    return Overview(
        as_of=now,
        residents=len(people),
        aged_65=sum(_age(person.born, now.date()) >= 65 for person in people),
        pyramid=_pyramid(people, now.date()),
        conditions=[(found.sample.get("code", {}), found.residents) for found in commonest],
        visits=visits,
        cascade=Cascade(len(diagnosed), len(treated), len(controlled)),
        by_town=[(town, count, of(town)) for town, count in sorted(towns.items())],
    )


def _cascade(
    connection: Any, codec: Any, scope: Scope, living: dict[int, statistics.Resident], now: dt.datetime
) -> tuple[set[int], set[int], set[int]]:
    rules = definition()
    since = now - dt.timedelta(days=round(rules["months"] * 365.25 / 12))
    codes = [token("Condition", rules["diagnosis"], code) for code in rules["diagnosis"]["codes"]]
    diagnosed = statistics.having(connection, "Condition", codes, scope) & living.keys()
    ordered = statistics.codes_of(connection, codec, "MedicationRequest", scope)
    prefixes, system = tuple(rules["medicine"]["prefixes"]), rules["medicine"]["system"]
    drugs = [
        key
        for key, coding in ordered.items()
        if coding.get("system") == system and coding.get("code", "").startswith(prefixes)
    ]
    treated = statistics.having(connection, "MedicationRequest", drugs, scope, since) & diagnosed
    measure = rules["measure"]
    readings = statistics.latest(
        connection, codec, token("Observation", measure, measure["code"]), sorted(treated), since
    )
    controlled = {rid for rid, reading in readings.items() if _below(reading, measure["components"])}
    return diagnosed, treated, controlled


def _below(reading: dict[str, Any], limits: dict[str, int]) -> bool:
    values = {
        coding.get("code"): component.get("valueQuantity", {}).get("value")
        for component in reading.get("component", ())
        for coding in component.get("code", {}).get("coding", ())
    }
    return all(values.get(code) is not None and values[code] < limit for code, limit in limits.items())


def _age(born: str, today: dt.date) -> int:
    if not born:
        return -1
    birth = formats.parse(born)
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def _pyramid(people: list[statistics.Resident], today: dt.date) -> list[tuple[str, int, int]]:
    counts: Counter[tuple[int, str]] = Counter()
    for person in people:
        age = _age(person.born, today)
        if age >= 0:
            counts[min(age // BAND_YEARS * BAND_YEARS, LAST_BAND), person.sex] += 1
    bands = range(0, LAST_BAND + 1, BAND_YEARS)
    return [
        (f"{low}+" if low == LAST_BAND else str(low), counts[low, "male"], counts[low, "female"])
        for low in bands
    ]


class Kept:
    """Overviews by scope: served at once while less than 15 minutes old, renewed behind after one minute."""

    def __init__(self) -> None:
        self._kept: dict[Scope, Overview] = {}
        self._busy: set[Scope] = set()
        self._lock = threading.Lock()

    def get(self, records: Any, scope: Scope) -> Overview:
        """The overview of a scope; computed now only where none is kept."""
        found = self._kept.get(scope)
        age = (dt.datetime.now(formats.ZONE) - found.as_of).total_seconds() if found else STALE_S
        if found is None or age >= STALE_S:
            found = self._kept[scope] = compute(records, scope)
        elif age >= FRESH_S:
            with self._lock:
                if scope in self._busy:
                    return found
                self._busy.add(scope)
            threading.Thread(target=self._renew, args=(records, scope), daemon=True).start()
        return found

    def _renew(self, records: Any, scope: Scope) -> None:
        try:
            self._kept[scope] = compute(records, scope)
        finally:
            self._busy.discard(scope)


KEPT = Kept()
