"""Numbers and quantities (http://hl7.org/fhir/R4/search.html#quantity): ranges under a prefix, units through UCUM."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from shangyi.errors import Invalid
from shangyi.store import keys
from shangyi.store.search import number as numbers
from shangyi.store.search.catalogue import Parameter
from shangyi.store.search.conditions.base import (
    NOTHING,
    Condition,
    Context,
    Narrow,
    Reader,
    not_supported,
    read_by,
    split,
    unescape,
)
from shangyi.store.search.conditions.date import prefixed
from shangyi.store.search.units import Unit
from shangyi.terminology import ucum

Ends = tuple[Decimal, Decimal]
Asked = list[tuple[str, Ends | dict[int, Ends]]]
"""Each value: its prefix, and its range, or the range in each unit."""


def condition(type: str, parameter: Parameter, modifier: str, value: str, context: Context) -> Condition:
    """A number or quantity parameter."""
    if modifier:
        raise not_supported(modifier, parameter)
    asked = wanted(type, parameter, value, context)
    rows, given = _rows(asked, _kept(type, parameter), compare)
    if not given:
        return NOTHING
    reading = read_by(parameter, reader(type, parameter, value, context))
    narrow = Narrow(*_rows(asked, _kept(type, parameter), _begins), reading)
    return Condition(f"s.rid in ({rows})", given, narrow=narrow)


def _rows(
    asked: Asked, parameters: list[int], how: Callable[[str, Ends], tuple[str, list[float]]]
) -> tuple[str, tuple[Any, ...]]:
    """The rows of the number table, and their values: none where no unit is of the kind that is asked for."""
    parts: list[str] = []
    given: list[Any] = [parameters]
    for prefix, ends in asked:
        if isinstance(ends, tuple):
            sql, values = how(prefix, ends)
            parts.append(f"({sql})")
            given += values
        else:
            for unit, converted in ends.items():
                sql, values = how(prefix, converted)
                parts.append(f"(x.unit = %s and ({sql}))")
                given += [unit, *values]
    rows = f"select x.rid from search_number x where x.parameter = any(%s) and ({' or '.join(parts)})"
    return rows, tuple(given) if parts else ()


def _begins(prefix: str, ends: Ends) -> tuple[str, list[float]]:
    """``compare`` by where values begin alone: to count them, the few that only reach into the range do not matter."""
    match prefix:
        case "gt" | "sa":
            return "x.low > %s", [float(ends[1])]
        case "ge":
            return "x.low >= %s", [float(ends[1])]
    return compare(prefix, ends)


def _kept(type: str, parameter: Parameter) -> list[int]:
    return [keys.parameter(type, home) for home in parameter.homes]


def wanted(type: str, parameter: Parameter, value: str, context: Context) -> Asked:
    """Each value of a query: its prefix, and its range, by the key of the unit where one is asked for."""
    found: Asked = []
    for one in split(value):
        prefix, ends, system, code = parse(one, parameter)
        if code:
            units = context.units(_kept(type, parameter))
            found.append((prefix, dict(_units(units, system, code, ends))))
        else:
            found.append((prefix, ends))
    return found


def reader(type: str, parameter: Parameter, value: str, context: Context) -> Reader:
    """Whether a number or quantity of a resource meets the query."""
    asked = wanted(type, parameter, value, context)

    def meets(found: Any, kind: str) -> bool:
        span = numbers.stored(found)
        if span is None:
            return False
        unit = numbers.unit_key(found) if isinstance(found, dict) else keys.NONE
        for prefix, ends in asked:
            fitting = ends if isinstance(ends, tuple) else ends.get(unit)
            if fitting and numbers.compare(prefix, *span, (float(fitting[0]), float(fitting[1]))):
                return True
        return False

    return meets


def parse(value: str, parameter: Parameter) -> tuple[str, Ends, str | None, str]:
    """Prefix, range, system (None: any) and code (empty: any) of ``gt5.4|http://unitsofmeasure.org|mg``."""
    size, *rest = [unescape(part) for part in split(value, "|")]
    prefix, digits = prefixed(size)
    ends = numbers.searched(prefix, digits)
    if not rest:
        return prefix, ends, None, ""
    if parameter.kind != "quantity" or len(rest) > 2:
        raise Invalid("{value} is not of the form number or number|system|code", value=value[:80])
    return prefix, ends, rest[0] or None, rest[-1]


def _units(known: Any, system: str | None, code: str, ends: Ends) -> list[tuple[int, Ends]]:
    """Unit keys and the range in each: as written, or in any unit of the same kind where the system is UCUM's."""
    if system == numbers.UCUM:
        ucum.parse(code)
        return [(unit.key, converted) for unit in known if (converted := _convert(unit, code, ends))]
    if system:
        return [(keys.key(f"{system}|{code}"), ends)]
    return [(unit.key, ends) for unit in known if code == unit.code or code in unit.texts]


def _convert(unit: Unit, code: str, ends: Ends) -> Ends | None:
    first, last = unit.convert(ends[0], code), unit.convert(ends[1], code)
    if first is None or last is None:
        return None
    return (first, last) if first <= last else (last, first)


def compare(prefix: str, ends: Ends) -> tuple[str, list[float]]:
    """The range between ``x.low`` and ``x.high`` against [first, last) under a prefix.

    Nearly all are numbers, which begin where they end: an index is in order of ``low``, another has the few ranges.
    """
    first, last = float(ends[0]), float(ends[1])
    match prefix:
        case "eq":
            return "x.low >= %s and x.low < %s and x.high < %s", [first, last, last]
        case "ne":
            return "not (x.low >= %s and x.high < %s)", [first, last]
        case "gt":
            return "(x.low > %s or x.low < x.high and x.high > %s)", [last, last]
        case "sa":
            return "x.low > %s", [last]
        case "lt":
            return "x.low < %s", [first]
        case "eb":
            return "x.high < %s", [first]
        case "ge":
            return "(x.low >= %s or x.low < x.high and x.high >= %s)", [last, last]
        case "le":
            return "x.low <= %s", [first]
    return "x.low <= %s and x.high >= %s", [last, first]
