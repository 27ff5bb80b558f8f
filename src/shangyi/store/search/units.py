"""Units of quantities as they occur, learnt from the record itself, and converted through UCUM.

The number table keeps the key of a unit only. Which units a parameter has is read from its index, one step a unit;
what an unknown key stands for is read once from some resources that have it. So nothing is kept for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from shangyi.errors import NotSupported
from shangyi.store import rows
from shangyi.store.codec import Codec
from shangyi.store.search import number
from shangyi.terminology import ucum

MOST_UNITS, SAMPLES = 500, 5
_known: dict[int, "Unit"] = {}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit in use: its key in the number table, system and code as written, and the texts seen with it."""

    key: int
    system: str
    code: str
    texts: frozenset[str] = frozenset()

    def convert(self, value: Decimal, code: str) -> Decimal | None:
        """``value`` of the UCUM unit ``code`` in this unit; None where they measure different things."""
        if self.system != number.UCUM:
            return None
        try:
            return ucum.convert(value, code, self.code)
        except ucum.UcumError:
            return None


def in_use(connection: psycopg.Connection, codec: Codec, parameters: Sequence[int]) -> list[Unit]:
    """The units of the values of these parameters."""
    return [
        unit
        for parameter in parameters
        for key in _keys(connection, parameter)
        if key and (unit := _known.get(key) or _learn(connection, codec, parameter, key))
    ]


def _keys(connection: psycopg.Connection, parameter: int) -> list[int]:
    following = "select x.unit from search_number x where x.parameter = %s"
    found = connection.execute(
        f"with recursive u(unit) as (({following} order by x.unit limit 1) union all select"
        f" (select n.unit from ({following} and x.unit > u.unit order by x.unit limit 1) n)"
        " from u where u.unit is not null)"
        " select unit from u where unit is not null limit %s",
        [parameter, parameter, MOST_UNITS + 1],
    ).fetchall()
    if len(found) > MOST_UNITS:
        raise NotSupported("There are more than {n} units here; search by number alone", n=MOST_UNITS)
    return [row[0] for row in found]


def _learn(connection: psycopg.Connection, codec: Codec, parameter: int, key: int) -> Unit | None:
    found = connection.execute(
        f"select {rows.COLUMNS} from (select x.rid from search_number x where x.parameter = %s and x.unit = %s"
        " limit %s) x join search s on s.rid = x.rid"
        " join resource r on r.rid = s.rid and r.version = s.version",
        [parameter, key, SAMPLES],
    ).fetchall()
    seen = [
        number.unit(quantity)
        for version in rows.versions(codec, connection, found)
        for quantity in _quantities(version.resource)
        if number.unit_key(quantity) == key
    ]
    if not seen:
        return None
    system, code, text = seen[0]
    texts = frozenset(text for _, _, text in seen if text)
    _known[key] = unit = Unit(key, system if code else "", code or text, texts)
    return unit


def _quantities(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("unit") or value.get("code"), str) and "value" in value:
            yield value
        for inner in value.values():
            yield from _quantities(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _quantities(inner)
