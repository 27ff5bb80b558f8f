"""The flat columns: whose, which code, when. What they are is defined by the record's search rows (``store.search``).

Values are read for all rows at once; what each distinct text means is worked out once, by the store's own functions.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shangyi.errors import Invalid
from shangyi.lake import arrow, moments
from shangyi.store import keys
from shangyi.store.search import date
from shangyi.store.search.catalogue import catalogue, main_date, primary_code
from shangyi.store.search.index import belonging

Rows = npt.NDArray[np.int64]
Steps = tuple[tuple[str, ...], ...]
T = TypeVar("T")
_TEXTS = frozenset({"date", "dateTime", "instant"})


def flatten(table: pa.Table, resource_type: str) -> tuple[pa.Table, npt.NDArray[np.int32]]:
    """The table with its flat columns (those of ``arrow.FLAT``), and the shard of each row (``store.keys.shard``)."""
    patients = _patients(table, resource_type)
    codes, first = _codes(table, resource_type)
    low, high = _dates(table, resource_type)
    updated, _ = _spans(table.num_rows, [(("meta",), ("lastUpdated",))], table)
    made: dict[str, pa.Array] = {
        "patient_key": patients,
        "codes": codes,
        "primary_code": first,
        "date_low": low,
        "date_high": high,
        "last_updated": updated,
    }
    if "rest_json" not in table.column_names:
        made["rest_json"] = pa.nulls(table.num_rows, pa.string())
    for field in arrow.FLAT:
        if field.name in made:
            table = table.append_column(field, made[field.name])
    return table, _shards(patients, table, resource_type)


def follow(table: pa.Table, steps: Steps) -> tuple[Rows, pa.Array]:
    """The values at a path of the store's catalogue, nulls left out, and the row of each."""
    name = steps[0][0]
    if name not in table.column_names:
        return np.empty(0, np.int64), pa.nulls(0)
    values = table[name].combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    rows: Rows = np.arange(table.num_rows, dtype=np.int64)
    rows, values, places = _members(rows, values)
    for step in steps[1:]:
        if len(step) == 2:
            kept = np.flatnonzero(places == int(step[1]))
        else:
            key = step[1] if len(step) == 3 else step[0]
            if not pa.types.is_struct(values.type) or values.type.get_field_index(key) < 0:
                return np.empty(0, np.int64), pa.nulls(0)
            inner = pc.struct_field(values, key)
            if len(step) == 1:
                rows, values, places = _members(rows, inner)
                continue
            kept = np.flatnonzero(
                pc.fill_null(pc.equal(inner, step[2]), False).to_numpy(zero_copy_only=False)
            )
        rows, values, places = rows[kept], values.take(pa.array(kept)), places[kept]
    present = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    return (rows, values) if len(present) == len(values) else (rows[present], values.take(pa.array(present)))


def _members(rows: Rows, values: pa.Array) -> tuple[Rows, pa.Array, Rows]:
    """The members of lists, with their place in it; what is no list as it is."""
    if not pa.types.is_list(values.type):
        return rows, values, np.zeros(len(rows), np.int64)
    parents = pc.list_parent_indices(values).to_numpy(zero_copy_only=False)
    starts = np.flatnonzero(np.r_[True, parents[1:] != parents[:-1]]) if len(parents) else parents
    places = np.arange(len(parents)) - np.repeat(starts, np.diff(np.r_[starts, len(parents)]))
    return rows[parents], values.flatten(), places


def _each(values: pa.Array, meaning: Callable[[str], T]) -> tuple[list[T], npt.NDArray[np.int64]]:
    """What each distinct text means, and which of these each value is."""
    encoded = values.dictionary_encode()
    return [meaning(text) for text in encoded.dictionary.to_pylist()], encoded.indices.to_numpy().astype(
        np.int64
    )


def _first(rows: Rows) -> Rows:
    """The places of the first value of each row."""
    return np.unique(rows, return_index=True)[1].astype(np.int64)


@cache
def _belonging(resource_type: str) -> tuple[Steps, ...]:
    """The paths by which a resource belongs to a resident."""
    return tuple(sorted({steps for _, steps in belonging(resource_type)}))


def _patients(table: pa.Table, resource_type: str) -> pa.Array:
    if resource_type == "Patient":
        return pc.binary_join_element_wise("Patient", table["id"].combine_chunks(), "/")
    found: list[tuple[Rows, pa.Array]] = []
    for steps in _belonging(resource_type):
        rows, values = follow(table, (*steps, ("reference",)))
        if not len(rows):
            continue
        texts, which = _each(values, _patient)
        of_a_patient = pa.array(texts, pa.string()).take(pa.array(which))
        kept = np.flatnonzero(of_a_patient.is_valid().to_numpy(zero_copy_only=False))
        found.append((rows[kept], of_a_patient.take(pa.array(kept))))
    return _one_each(table.num_rows, found, pa.string())


def _patient(reference: str) -> str | None:
    return reference.partition("/_history/")[0] if reference.startswith("Patient/") else None


def _one_each(count: int, found: list[tuple[Rows, pa.Array]], type_: pa.DataType) -> pa.Array:
    """An array with the first value found for each row, null where there is none."""
    if not found:
        return pa.nulls(count, type_)
    rows = np.concatenate([rows for rows, _ in found])
    places = np.full(count, -1, np.int64)
    first = _first(rows)
    places[rows[first]] = first
    values = pa.concat_arrays([values for _, values in found])
    return values.take(pa.array(places, mask=places < 0))


def _codes(table: pa.Table, resource_type: str) -> tuple[pa.Array, pa.Array]:
    """``codes`` and ``primary_code``: ``system|code`` of each coding of the primary code, ``|code`` without system."""
    found: list[tuple[Rows, pa.Array]] = []
    parameter = catalogue(resource_type).get(primary_code(resource_type))
    for path in parameter.paths if parameter else ():
        steps = (*path.steps, ("coding",)) if path.type == "CodeableConcept" else path.steps
        rows, values = follow(table, steps)
        if not len(rows):
            continue
        if pa.types.is_struct(values.type):
            systems, codes = _field(values, "system"), _field(values, "code")
        else:
            systems, codes = pa.nulls(len(values), pa.string()), values
        texts = pc.binary_join_element_wise(pc.fill_null(systems, ""), codes, "|")
        kept = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
        found.append((rows[kept], texts.take(pa.array(kept))))
    count = table.num_rows
    rows = np.concatenate([rows for rows, _ in found]) if found else np.empty(0, np.int64)
    order = np.argsort(rows, kind="stable")
    values = pa.concat_arrays([v for _, v in found]) if found else pa.array([], pa.string())
    values = values.take(pa.array(order))
    offsets = np.searchsorted(rows[order], np.arange(count + 1)).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), values)
    some = offsets[1:] > offsets[:-1]
    return lists, values.take(pa.array(offsets[:-1], mask=~some))


def _field(values: pa.Array, name: str) -> pa.Array:
    known = values.type.get_field_index(name) >= 0
    return pc.struct_field(values, name) if known else pa.nulls(len(values), pa.string())


def _dates(table: pa.Table, resource_type: str) -> tuple[pa.Array, pa.Array]:
    """First and last instant (UTC) of the main date; null where it is open or there is none."""
    name = main_date(resource_type)
    parameter = catalogue(resource_type).get(name) if name else None
    return _spans(table.num_rows, [path.steps for path in parameter.paths] if parameter else [], table)


def _spans(count: int, paths: Iterable[Steps], table: pa.Table) -> tuple[pa.Array, pa.Array]:
    low = np.full(count, keys.NO_DATE, np.int64)
    high = low.copy()
    for steps in paths:
        rows, values = follow(table, steps)
        if not len(rows):
            continue
        first = _first(rows)
        rows, values = rows[first], values.take(pa.array(first))
        begins, ends = _bounds(values)
        new = (low[rows] == keys.NO_DATE) & (begins != keys.NO_DATE)
        low[rows[new]], high[rows[new]] = begins[new], ends[new]
    return _instants(low), _instants(high)


def _bounds(values: pa.Array) -> tuple[Rows, Rows]:
    """First and last microsecond of dates, Periods and Timings; ``keys.NO_DATE`` for what is none."""
    if pa.types.is_string(values.type):
        return _texts(values)
    if {f.name for f in values.type} & {"event", "repeat", "code"}:
        pairs = np.array([_span(value) for value in values.to_pylist()], np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]
    return _period(values)


def _texts(values: pa.Array) -> tuple[Rows, Rows]:
    low, high, known = moments.bounds(values)
    rest = np.flatnonzero(~known)
    if len(rest):
        spans, which = _each(values.take(pa.array(rest)), _span)
        pairs = np.array(spans, np.int64).reshape(-1, 2)[which]
        low[rest], high[rest] = pairs[:, 0], pairs[:, 1]
    return low, high


def _period(values: pa.Array) -> tuple[Rows, Rows]:
    sides: list[Rows] = []
    faults = np.zeros(len(values), bool)
    for name, side, missing in (("start", 0, date.FIRST), ("end", 1, date.LAST)):
        texts = _field(values, name)
        there = pc.greater(pc.fill_null(pc.binary_length(texts), 0), 0).to_numpy(zero_copy_only=False)
        found = np.full(len(values), missing, np.int64)
        if there.any():
            found[there] = _texts(texts.filter(pa.array(there)))[side]
        faults |= found == keys.NO_DATE
        sides.append(found)
    low, high = sides
    nothing = faults | ((low == date.FIRST) & (high == date.LAST))
    low[nothing] = high[nothing] = keys.NO_DATE
    return low, high


def _span(value: Any) -> tuple[int, int]:
    try:
        found = date.span(value)
    except Invalid:
        found = None
    return found or (keys.NO_DATE, keys.NO_DATE)


def _instants(microseconds: Rows) -> pa.Array:
    open_ = (microseconds <= date.FIRST) | (microseconds >= date.LAST)
    return pa.array(microseconds, mask=open_).cast(arrow.INSTANT)


def _shards(patients: pa.Array, table: pa.Table, resource_type: str) -> npt.NDArray[np.int32]:
    """As in the store: of the patient, else of the resource itself."""
    own = pc.binary_join_element_wise(resource_type, table["id"].combine_chunks(), "/")
    whose = pc.coalesce(patients, own)
    shards, which = _each(whose, lambda reference: keys.shard(keys.key(reference), 0))
    return np.array(shards, np.int32)[which] if shards else np.empty(0, np.int32)
