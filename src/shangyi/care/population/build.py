"""Making the arrays of one day from one version of a lake."""

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from shangyi.care.population import states
from shangyi.care.population.columns import (
    BAND_YEARS,
    BANDS,
    FORMAT,
    KINDS,
    REPORT_WEEKS,
    SEXES,
    VISIT_DAYS,
    YEAR_DAYS,
    About,
    Array,
    Diagnosis,
)
from shangyi.care.population.sources import sources
from shangyi.care.standing.facts import ZONE
from shangyi.care.standing.keep import sort_key
from shangyi.care.standing.people import asking
from shangyi.care.standing.rules import digest, rules
from shangyi.lake import DuckDBEngine
from shangyi.store import keys

QUARTER_DAYS = 91
TYPES = ("Patient", "Condition", "Observation", "MedicationRequest", "Encounter")
GRADE = 10_000_000
"""Who is due is sorted by grade and day in one number: grade times this, and the days since 1970 plus a tenth of it."""
NEVER = 2**31 - 1
"""Of residents whose birth, visit or due day is not known: after all days."""
DAY_US, WEEK_US = 86_400_000_000, 7 * 86_400_000_000
SHIFT = "interval 8 hours"
"""From UTC to the days of the county."""


class Builder:
    """One population under way. Queries name the sources and the rules' states as if they were tables."""

    def __init__(self, engine: DuckDBEngine, directory: Path, today: dt.date) -> None:
        self.engine, self.directory, self.today = engine, directory, today
        found = sources({name: engine.lake.table(name) for name in TYPES}, rules())
        found["resident"] = "select * from person where counts"
        found["asked"] = (
            f"select unnest([date '{today}', date '{today - dt.timedelta(days=QUARTER_DAYS)}']) as day"
        )
        self._expressions = found | states.states(rules())

    def ask(self, text: str) -> Any:
        """The rows of a query, as a table of columns."""
        parts = ", ".join(f"{name} as ({query})" for name, query in self._expressions.items())
        return self.engine.sql(f"with {parts} {text}")

    def put(self, name: str, values: Any, kind: type[np.generic]) -> Array:
        """Keep an array."""
        made = np.ascontiguousarray(values, dtype=kind)
        np.save(self.directory / f"{name}.npy", made)
        return made


def build(engine: DuckDBEngine, directory: Path, today: dt.date, as_of: dt.datetime) -> About:
    """Write the population of the engine's lake, as it stands on ``today``, to ``directory``, whole or not at all."""
    scratch = directory.with_name(f"{directory.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    builder = Builder(engine, scratch, today)
    row_of, place_of = _residents(builder)
    diagnoses = _diagnoses(builder, row_of, place_of)
    first = today - dt.timedelta(days=VISIT_DAYS)
    _seen(builder, row_of, first)
    _visits(builder, first)
    reports = _reports(builder)
    about = About(
        FORMAT, digest(), today, as_of, engine.lake.manifest.source, [rule.id for rule in rules()], first, diagnoses, reports
    )  # fmt: skip
    (scratch / "about.json").write_bytes(msgspec.json.encode(about))
    shutil.rmtree(directory, ignore_errors=True)
    scratch.replace(directory)
    return about


def _due() -> str:
    """A number by which those who are due are sorted, for each kind."""
    grades = {rule.id: rule.attention.grade for rule in rules() if rule.attention}
    numbers = {rule.id: number for number, rule in enumerate(rules())}
    parts = []
    for kind, column in zip(KINDS, due_columns(), strict=True):
        cases = " ".join(f"when {numbers[id]} then {grades[id] * GRADE}" for id in asking(kind))
        parts.append(
            f"min(case number {cases} end + (begins - date '1970-01-01') + {GRADE // 10}) filter (where now) {column}"
        )
    return ", ".join(parts)


def due_columns() -> list[str]:
    """The array that says in which order those are listed who are due for each of ``KINDS``."""
    return [f"due_{kind or 'any'}" for kind in KINDS]


def _residents(builder: Builder) -> tuple[dict[str, int], Array]:
    """The arrays with a row a resident, and those of their places; each resident's row, and the place of each row."""
    today = builder.today
    table = builder.ask(
        f"select r.patient, r.area, r.name, left(r.sex, 1) sex, r.born - date '1970-01-01' born,"
        f" case when r.born <= date '{today}' then least(date_part('year', age(timestamp '{today}', r.born)) // {BAND_YEARS}, {BANDS - 1}) end band,"
        f" v.seen - date '1970-01-01' seen, s.* exclude (patient) from resident r"
        f" left join (select patient, max(day) seen from visit where day <= date '{today}' group by 1) v using (patient)"
        f" left join (select patient, bit_or(1::bigint << number) filter (where now) states_now,"
        f" bit_or(1::bigint << number) filter (where not now) states_before, {_due()}"
        f" from (select *, day = date '{today}' as now from ({states.bits(rules())})) group by 1) s using (patient)"
    )
    column = {name: table.column(name) for name in table.column_names}
    ids = column["patient"].to_pylist()
    rids = np.fromiter((keys.key(id) for id in ids), np.int64, len(ids))
    areas = column["area"].to_numpy().astype(np.int64)
    order = np.lexsort((rids, areas))

    def numbers(name: str, missing: int = NEVER) -> Array:
        return np.asarray(column[name].fill_null(missing).to_numpy(), dtype=np.int64)[order]

    codes, starts = np.unique(areas[order], return_index=True)
    builder.put("places", codes, np.int64)
    builder.put("starts", [*starts, len(ids)], np.int64)
    place_of: Array = np.repeat(np.arange(len(codes)), np.diff([*starts, len(ids)]))
    sorted_rids = builder.put("rid", rids[order], np.int64)
    born = builder.put("born", numbers("born"), np.int32)
    seen = numbers("seen", -NEVER)
    builder.put("seen", seen, np.int32)
    sexes = np.array([SEXES.find(sex) for sex in column["sex"].to_pylist()])[order]
    builder.put("sex", sexes, np.int8)
    bits = {name: builder.put(name, numbers(name, 0), np.int64) for name in ("states_now", "states_before")}
    names = [sort_key(name or "") for name in column["name"].to_pylist()]
    _rank(builder, "by_name", _by_name(names, rids, order))
    _rank(builder, "by_age", np.lexsort((sorted_rids, born)))
    _rank(builder, "by_visit", np.lexsort((-sorted_rids, -seen)))
    due = [numbers(name) for name in due_columns()]
    for name, found in zip(due_columns(), due, strict=True):
        _rank(builder, f"by_{name}", np.lexsort((sorted_rids, found)))
    held = [_per_place(found != NEVER, place_of, len(codes)) for found in due]
    builder.put("place_due", np.transpose(held), np.int32)
    _figures(builder, place_of, len(codes), sexes, numbers("band", -1), bits)
    return {ids[at]: row for row, at in enumerate(order)}, place_of


def _by_name(names: list[str], rids: Array, order: Array) -> Array:
    """Rows in order of name."""
    row = np.empty(len(order), np.int64)
    row[order] = np.arange(len(order))
    return row[sorted(range(len(names)), key=lambda at: (names[at], rids[at]))]


def _rank(builder: Builder, name: str, order: Array) -> None:
    """Keep the place of each row in an order."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    builder.put(name, rank, np.int32)


def _figures(
    builder: Builder, place_of: Array, places: int, sexes: Array, bands: Array, bits: dict[str, Array]
) -> None:
    """Counts by place: of ages by sex, of holders of each state now and a quarter ago."""
    known = bands >= 0
    cells = (place_of * len(SEXES) + sexes) * BANDS + bands
    shape = places * len(SEXES) * BANDS
    ages = np.bincount(cells[known], minlength=shape).reshape(places, len(SEXES), BANDS)
    builder.put("place_ages", ages, np.int32)
    for name, values in bits.items():
        held = [_per_place((values >> number) & 1 == 1, place_of, places) for number in range(len(rules()))]
        builder.put(f"place_{name}", np.transpose(held), np.int32)


def _per_place(chosen: Array, place_of: Array, places: int) -> Array:
    return np.bincount(place_of[chosen], minlength=places)


def _diagnoses(builder: Builder, row_of: dict[str, int], place_of: Array) -> list[Diagnosis]:
    """Who has each diagnosis: on the problem list today, or made at a visit within a year."""
    today = f"date '{builder.today}'"
    table = builder.ask(
        "select patient, case when listed then 'problem:' else 'illness:' end || code state, code, min(system) system, min(display) display"
        f" from problem join resident using (patient) where begins <= {today} and"
        f" case when listed then {today} < ends else {today} < cast(begins + to_months(12) as date) end"
        " group by all order by state, patient"
    )
    states_of = table.column("state").to_pylist()
    found: dict[str, Diagnosis] = {}
    for state, code, system, display in zip(
        states_of, *(table.column(name).to_pylist() for name in ("code", "system", "display")), strict=True
    ):
        if state not in found:
            found[state] = Diagnosis(state, {"system": system, "code": code, "display": display})
    number = {state: at for at, state in enumerate(found)}
    rows = np.array([row_of[id] for id in table.column("patient").to_pylist()], np.int64)
    groups = np.array([number[state] for state in states_of], np.int64)
    order = np.lexsort((rows, groups))
    builder.put("diagnosis_rows", rows[order], np.int32)
    builder.put("diagnosis_starts", np.searchsorted(groups[order], np.arange(len(found) + 1)), np.int64)
    places = int(place_of.max()) + 1 if len(place_of) else 0
    cells = np.bincount(place_of[rows] * max(len(found), 1) + groups, minlength=places * len(found))
    builder.put("place_diagnoses", cells.reshape(places, len(found)), np.int32)
    return list(found.values())


def _seen(builder: Builder, row_of: dict[str, int], first: dt.date) -> None:
    """Who was seen on each day from ``first``."""
    table = builder.ask(
        f"select distinct patient_key, cast(date_low + {SHIFT} as date) - date '{first}' as day"
        f" from main.\"Encounter\" where date_low >= timestamp '{first}' - {SHIFT}"
    )
    patients, days = table.column("patient_key").to_pylist(), table.column("day").to_pylist()
    pairs = sorted(
        (day, row_of[id])
        for id, day in zip(patients, days, strict=True)
        if id in row_of and 0 <= day <= VISIT_DAYS
    )
    found = np.array(pairs, np.int64).reshape(-1, 2)
    builder.put("seen_rows", found[:, 1], np.int32)
    builder.put("seen_starts", np.searchsorted(found[:, 0], np.arange(VISIT_DAYS + 2)), np.int64)


def _visits(builder: Builder, first: dt.date) -> None:
    """Visits on each day by place of residence, also of the dead, and on the same days a year before."""
    before = first - dt.timedelta(days=YEAR_DAYS)
    table = builder.ask(
        f"select coalesce(p.area, 0) area, cast(e.date_low + {SHIFT} as date) - date '{before}' as day, count(*) n"
        f' from main."Encounter" e left join person p on p.patient = e.patient_key'
        f" where e.date_low >= timestamp '{before}' - {SHIFT} and e.date_low < timestamp '{builder.today}' - {SHIFT} group by all"
    )
    areas, days, numbers = (
        np.array(table.column(name).to_pylist(), np.int64) for name in ("area", "day", "n")
    )
    places = np.unique(np.concatenate([np.load(builder.directory / "places.npy"), areas]))
    counts = np.zeros((len(places), YEAR_DAYS + VISIT_DAYS), np.int64)
    np.add.at(counts, (np.searchsorted(places, areas), days), numbers)
    builder.put("visit_places", places, np.int64)
    builder.put("visits", counts[:, YEAR_DAYS:], np.int32)
    builder.put("visits_before", counts[:, :VISIT_DAYS], np.int32)


def _reports(builder: Builder) -> list[dict[str, str]]:
    """Notifiable-case reports by disease, place and week back from today's midnight, and in the same weeks a year before."""
    if "notifiable_report" in builder.engine.unavailable:
        return []
    end = keys.microseconds(dt.datetime.combine(builder.today, dt.time(), ZONE))
    table = builder.ask(
        "select coalesce(p.area, try_cast(rpad(n.division, 12, '0') as bigint), 0) area, n.system, n.code, min(n.display) display,"
        f" ({end - 1} - epoch_us(c.date_low)) // {WEEK_US} back, count(*) n from views.notifiable_report n"
        ' join main."Condition" c on c.resource_key = n.id left join person p on p.patient = c.patient_key'
        f" where epoch_us(c.date_low) < {end} and epoch_us(c.date_low) >= {end - (52 + REPORT_WEEKS) * WEEK_US}"
        f" and n.code is not null group by all order by n.system, n.code"
    )
    rows = table.to_pylist()
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        found.setdefault((row["system"], row["code"]), {"code": row["code"], "display": row["display"]})
    number = {key: at for at, key in enumerate(found)}
    areas = np.array([row["area"] for row in rows], np.int64)
    known = np.unique(areas)
    counts = np.zeros((len(known), len(found), 2, REPORT_WEEKS), np.int64)
    for row, at in zip(rows, np.searchsorted(known, areas), strict=True):
        year, back = divmod(row["back"], 52)
        if back < REPORT_WEEKS:
            counts[at, number[row["system"], row["code"]], year, REPORT_WEEKS - 1 - back] += row["n"]
    builder.put("report_places", known, np.int64)
    builder.put("reports", counts, np.int32)
    return list(found.values())
