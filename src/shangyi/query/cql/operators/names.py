"""Operators that need nothing but their operands, by their names in ELM, operands in the order of its schema."""

from collections.abc import Callable
from typing import Any

from shangyi.query.cql.operators import (
    aggregates,
    arithmetic,
    boundaries,
    collapse,
    comparison,
    conversion,
    ends,
    equality,
    intervals,
    lists,
    logic,
    overloads,
    strings,
    temporal,
)

Function = Callable[..., Any]


def _unless_null(function: Function) -> Function:
    """None where an operand is None."""
    return lambda *operands: None if None in operands else function(*operands)


def _between(function: Function) -> Function:
    return lambda left, right, precision: (
        None if left is None or right is None else function(left, right, precision)
    )


def _component(value: Any, precision: str) -> int | None:
    return None if value is None else temporal.component(value, precision)


def _make_time(*components: int | None) -> Any:
    return temporal.make_time(components)


def _converts(convert: Function) -> Function:
    return lambda value: None if value is None else convert(value) is not None


_LOGIC: dict[str, Function] = {
    "And": logic.logical_and,
    "Or": logic.logical_or,
    "Xor": logic.xor,
    "Implies": logic.implies,
    "Not": logic.logical_not,
    "IsNull": logic.is_null,
    "IsTrue": logic.is_true,
    "IsFalse": logic.is_false,
    "Coalesce": logic.coalesce,
}
_COMPARISON: dict[str, Function] = {
    "Equal": equality.equal,
    "NotEqual": equality.not_equal,
    "Equivalent": equality.equivalent,
    "NotEquivalent": equality.not_equivalent,
    "Less": comparison.less,
    "LessOrEqual": comparison.less_or_equal,
    "Greater": comparison.greater,
    "GreaterOrEqual": comparison.greater_or_equal,
}
_ARITHMETIC: dict[str, Function] = {
    "Add": arithmetic.add,
    "Subtract": arithmetic.subtract,
    "Multiply": arithmetic.multiply,
    "Divide": arithmetic.divide,
    "TruncatedDivide": arithmetic.truncated_divide,
    "Modulo": arithmetic.modulo,
    "Power": arithmetic.power,
    "Negate": arithmetic.negate,
    "Abs": arithmetic.absolute,
    "Ceiling": arithmetic.ceiling,
    "Floor": arithmetic.floor,
    "Truncate": arithmetic.truncate,
    "Round": arithmetic.round_to,
    "Exp": arithmetic.exponential,
    "Ln": arithmetic.natural_logarithm,
    "Log": arithmetic.logarithm,
    "Successor": boundaries.successor,
    "Predecessor": boundaries.predecessor,
    "Precision": boundaries.precision,
    "LowBoundary": boundaries.low_boundary,
    "HighBoundary": boundaries.high_boundary,
}
_STRINGS: dict[str, Function] = {
    "Combine": strings.combine,
    "Concatenate": strings.concatenate,
    "StartsWith": strings.starts_with,
    "EndsWith": strings.ends_with,
    "PositionOf": strings.position_of,
    "LastPositionOf": strings.last_position_of,
    "Upper": strings.upper,
    "Lower": strings.lower,
    "Substring": strings.substring,
    "Split": strings.split,
    "SplitOnMatches": strings.split_on_matches,
    "Matches": strings.matches,
    "ReplaceMatches": strings.replace_matches,
}
_TEMPORAL: dict[str, Function] = {
    "Date": temporal.make_date,
    "Time": _make_time,
    "DateFrom": _unless_null(temporal.date_from),
    "TimezoneOffsetFrom": _unless_null(temporal.timezone_offset),
    "TimezoneFrom": _unless_null(temporal.timezone_offset),
    "DateTimeComponentFrom": _component,
    "DurationBetween": _between(temporal.duration),
    "DifferenceBetween": _between(temporal.difference),
}
_INTERVALS: dict[str, Function] = {
    "Start": ends.start_of,
    "End": ends.end_of,
    "Width": intervals.width,
    "Size": intervals.size,
    "PointFrom": intervals.point_from,
    "Before": intervals.before,
    "After": intervals.after,
    "SameAs": intervals.same_as,
    "SameOrBefore": intervals.same_or_before,
    "SameOrAfter": intervals.same_or_after,
    "Contains": overloads.contains,
    "In": overloads.member,
    "ProperContains": overloads.properly_contains,
    "ProperIn": overloads.properly_in,
    "Includes": overloads.includes,
    "IncludedIn": overloads.included_in,
    "ProperIncludes": overloads.properly_includes,
    "ProperIncludedIn": overloads.properly_included_in,
    "Overlaps": intervals.overlaps,
    "OverlapsBefore": intervals.overlaps_before,
    "OverlapsAfter": intervals.overlaps_after,
    "Meets": intervals.meets,
    "MeetsBefore": intervals.meets_before,
    "MeetsAfter": intervals.meets_after,
    "Starts": intervals.starts,
    "Ends": intervals.ends,
    "Union": overloads.union,
    "Intersect": overloads.intersect,
    "Except": overloads.difference,
    "Collapse": collapse.collapse,
    "Expand": collapse.expand,
}
_LISTS: dict[str, Function] = {
    "Exists": lists.exists,
    "First": lists.first,
    "Last": lists.last,
    "Indexer": lists.indexer,
    "IndexOf": lists.index_of,
    "Length": overloads.length,
    "Flatten": lists.flatten,
    "Distinct": lists.distinct,
    "SingletonFrom": lists.singleton_from,
    "Skip": lists.skip,
    "Take": lists.take,
    "Tail": lists.tail,
    "Slice": lists.slice_of,
    "Times": lists.times,
}
_AGGREGATES: dict[str, Function] = {
    "Count": aggregates.count,
    "AllTrue": aggregates.all_true,
    "AnyTrue": aggregates.any_true,
    "Sum": aggregates.total,
    "Product": aggregates.product,
    "Min": aggregates.least,
    "Max": aggregates.greatest,
    "Avg": aggregates.average,
    "Median": aggregates.median,
    "Mode": aggregates.mode,
    "GeometricMean": aggregates.geometric_mean,
    "Variance": aggregates.variance,
    "PopulationVariance": aggregates.population_variance,
    "StdDev": aggregates.standard_deviation,
    "PopulationStdDev": aggregates.population_standard_deviation,
}
_CONVERSIONS: dict[str, Function] = {
    "ToBoolean": conversion.to_boolean,
    "ToInteger": conversion.to_integer,
    "ToLong": conversion.to_long,
    "ToDecimal": conversion.to_decimal,
    "ToDate": conversion.to_date,
    "ToTime": conversion.to_time,
    "ToQuantity": conversion.to_quantity,
    "ToRatio": conversion.to_ratio,
}
PURE: dict[str, Function] = {
    **_LOGIC,
    **_COMPARISON,
    **_ARITHMETIC,
    **_STRINGS,
    **_TEMPORAL,
    **_INTERVALS,
    **_LISTS,
    **_AGGREGATES,
    **_CONVERSIONS,
    **{name.replace("To", "ConvertsTo", 1): _converts(convert) for name, convert in _CONVERSIONS.items()},
    "ToConcept": conversion.to_concept,
    "ToList": conversion.to_list,
    "ToChars": conversion.to_chars,
    "ConvertQuantity": conversion.convert_quantity,
    "CanConvertQuantity": conversion.can_convert_quantity,
}
