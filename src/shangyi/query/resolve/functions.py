"""The functions of FHIRPath, by section of the specification (http://hl7.org/fhirpath/): their signatures.

A function is added here and in a table of each back end; a test holds the two to the same names.
"""

from shangyi.query import types
from shangyi.query.resolve.signature import (
    COLLECTION,
    CRITERION,
    PROJECTION,
    Parameter,
    Signature,
    always,
    anything,
    anything_single,
    combined,
    distinct,
    either,
    fallible,
    filtered,
    maybe,
    number,
    projected,
    repeated,
    same,
    single,
    united,
    value,
)
from shangyi.query.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    TIME,
    ItemType,
    Type,
    some,
)

NUMBERS = (INTEGER, DECIMAL)
MEASURES = (INTEGER, DECIMAL, QUANTITY)
TEMPORALS = (DATE, DATETIME, TIME)

EXISTENCE = (
    Signature("empty", "empty", always(BOOLEAN)),
    Signature("exists", "exists", always(BOOLEAN), (Parameter("item", (BOOLEAN,), optional=True),)),
    Signature("all", "all", always(BOOLEAN), (CRITERION,)),
    Signature("allTrue", "alltrue", always(BOOLEAN)),
    Signature("anyTrue", "anytrue", always(BOOLEAN)),
    Signature("allFalse", "allfalse", always(BOOLEAN)),
    Signature("anyFalse", "anyfalse", always(BOOLEAN)),
    Signature("subsetOf", "subsetof", always(BOOLEAN), (COLLECTION,)),
    Signature("supersetOf", "supersetof", always(BOOLEAN), (COLLECTION,)),
    Signature("count", "count", always(INTEGER)),
    Signature("distinct", "distinct", distinct),
    Signature("isDistinct", "isdistinct", always(BOOLEAN)),
)
FILTERING = (
    Signature("where", "where", filtered, (CRITERION,)),
    Signature("select", "select", projected, (PROJECTION,)),
    Signature("repeat", "repeat", repeated, (PROJECTION,)),
    Signature("repeatAll", "repeatall", repeated, (PROJECTION,)),
    Signature("sort", "sort", same, (Parameter("item", optional=True, repeats=True),)),
    Signature("coalesce", "coalesce", anything, (Parameter("input", repeats=True),)),
)
SUBSETTING = (
    Signature("single", "single", single),
    Signature("first", "first", single, in_order=True),
    Signature("last", "last", single, in_order=True),
    Signature("tail", "tail", filtered, in_order=True),
    Signature("skip", "skip", filtered, (value(INTEGER),), in_order=True),
    Signature("take", "take", filtered, (value(INTEGER),), in_order=True),
    Signature("intersect", "intersect", filtered, (COLLECTION,)),
    Signature("exclude", "exclude", filtered, (COLLECTION,)),
)
COMBINING = (
    Signature("union", "union", united, (COLLECTION,)),
    Signature("combine", "combine", combined, (COLLECTION, value(BOOLEAN, optional=True))),
)


def _conversions(name: str, to: ItemType, *parameters: Parameter) -> tuple[Signature, Signature]:
    section = f"{name.lower()}-conversion-functions"
    return (
        Signature(f"to{name}", section, fallible(to), parameters),
        Signature(f"convertsTo{name}", section, maybe(BOOLEAN), parameters),
    )


CONVERSION = (
    Signature(
        "iif",
        "iif",
        either,
        (Parameter("input", (BOOLEAN,)), Parameter("input"), Parameter("input", optional=True)),
    ),
    *_conversions("Boolean", BOOLEAN),
    *_conversions("Integer", INTEGER),
    *_conversions("Decimal", DECIMAL),
    *_conversions("String", STRING),
    *_conversions("Date", DATE),
    *_conversions("DateTime", DATETIME),
    *_conversions("Time", TIME),
    *_conversions("Quantity", QUANTITY, value(STRING, optional=True)),
)


def _strings(source: Type, arguments: tuple[Type, ...]) -> Type:
    return some(STRING)


_TEXT = value(STRING)
_FLAGS = value(STRING, optional=True)
STRINGS = (
    Signature("indexOf", "indexof", maybe(INTEGER), (_TEXT,), (STRING,)),
    Signature("lastIndexOf", "lastindexof", maybe(INTEGER), (_TEXT,), (STRING,)),
    Signature(
        "substring", "substring", fallible(STRING), (value(INTEGER), value(INTEGER, optional=True)), (STRING,)
    ),
    Signature("startsWith", "startswith", maybe(BOOLEAN), (_TEXT,), (STRING,)),
    Signature("endsWith", "endswith", maybe(BOOLEAN), (_TEXT,), (STRING,)),
    Signature("contains", "contains", maybe(BOOLEAN), (_TEXT,), (STRING,)),
    Signature("upper", "upper", maybe(STRING), (), (STRING,)),
    Signature("lower", "lower", maybe(STRING), (), (STRING,)),
    Signature("replace", "replace", maybe(STRING), (_TEXT, _TEXT), (STRING,)),
    Signature("matches", "matches", maybe(BOOLEAN), (_TEXT, _FLAGS), (STRING,)),
    Signature("matchesFull", "matchesfull", maybe(BOOLEAN), (_TEXT, _FLAGS), (STRING,)),
    Signature("replaceMatches", "replacematches", maybe(STRING), (_TEXT, _TEXT, _FLAGS), (STRING,)),
    Signature("length", "length", maybe(INTEGER), (), (STRING,)),
    Signature("toChars", "tochars", _strings, (), (STRING,)),
    Signature("encode", "encode", fallible(STRING), (_TEXT,), (STRING,)),
    Signature("decode", "decode", fallible(STRING), (_TEXT,), (STRING,)),
    Signature("escape", "escape", fallible(STRING), (_TEXT,), (STRING,)),
    Signature("unescape", "unescape", fallible(STRING), (_TEXT,), (STRING,)),
    Signature("trim", "trim", maybe(STRING), (), (STRING,)),
    Signature("split", "split", _strings, (_TEXT,), (STRING,)),
    Signature("join", "join", fallible(STRING), (value(STRING, optional=True),)),
)


def _whole(source: Type, arguments: tuple[Type, ...]) -> Type:
    """``ceiling`` and its like: an Integer, or a Quantity of a Quantity."""
    if source.items is not None and not any(i.name == "Quantity" for i in source.items):
        return types.perhaps(INTEGER)
    return Type((INTEGER, QUANTITY))


def _rounded(source: Type, arguments: tuple[Type, ...]) -> Type:
    if source.items is not None and not any(i.name == "Quantity" for i in source.items):
        return types.perhaps(DECIMAL)
    return Type((DECIMAL, QUANTITY))


MATH = (
    Signature("abs", "abs", number, (), MEASURES),
    Signature("ceiling", "ceiling", _whole, (), MEASURES),
    Signature("exp", "exp", fallible(DECIMAL), (), NUMBERS),
    Signature("floor", "floor", _whole, (), MEASURES),
    Signature("ln", "ln", fallible(DECIMAL), (), NUMBERS),
    Signature("log", "log", fallible(DECIMAL), (value(*NUMBERS),), NUMBERS),
    Signature("power", "power", fallible(DECIMAL), (value(*NUMBERS),), NUMBERS),
    Signature("round", "round", _rounded, (value(INTEGER, optional=True),), MEASURES),
    Signature("sqrt", "sqrt", fallible(DECIMAL), (), NUMBERS),
    Signature("truncate", "truncate", _whole, (), MEASURES),
)
NAVIGATION = (
    Signature("children", "children", anything),
    Signature("descendants", "descendants", anything),
)


def _bound(source: Type, arguments: tuple[Type, ...]) -> Type:
    """As it came; an Integer becomes a Decimal, a FHIR type its System type."""
    return Type((DECIMAL, DATE, DATETIME, TIME, QUANTITY))


UTILITY = (
    Signature("trace", "trace", same, (_TEXT, Parameter("item", optional=True))),
    Signature("pathname", "pathname", _strings, (value(BOOLEAN, optional=True),)),
    Signature("now", "now", always(DATETIME)),
    Signature("timeOfDay", "timeofday", always(TIME)),
    Signature("today", "today", always(DATE)),
    Signature(
        "lowBoundary", "lowboundary", _bound, (value(INTEGER, optional=True),), (*MEASURES, *TEMPORALS)
    ),
    Signature(
        "highBoundary", "highboundary", _bound, (value(INTEGER, optional=True),), (*MEASURES, *TEMPORALS)
    ),
    Signature("precision", "precision", maybe(INTEGER), (), (*NUMBERS, *TEMPORALS)),
    *(
        Signature(name, name.lower(), fallible(INTEGER), (), TEMPORALS)
        for name in ("yearOf", "monthOf", "dayOf", "hourOf", "minuteOf", "secondOf", "millisecondOf")
    ),
    Signature("timezoneOffsetOf", "timezoneoffsetof", fallible(DECIMAL), (), (DATETIME,)),
    Signature("dateOf", "dateof", fallible(DATE), (), (DATE, DATETIME)),
    Signature("timeOf", "timeof", fallible(TIME), (), (DATETIME,)),
    Signature("comparable", "comparable", maybe(BOOLEAN), (value(QUANTITY),), MEASURES),
    Signature("not", "not", maybe(BOOLEAN)),
    Signature("type", "reflection", anything),
)
AGGREGATES = (
    Signature("aggregate", "aggregate", anything, (PROJECTION, Parameter(optional=True))),
    Signature("sum", "sum", number, (), ()),
    Signature("min", "min", number, (), ()),
    Signature("max", "max", number, (), ()),
    Signature("avg", "avg", anything_single, (), ()),
)


def _extensions(source: Type, arguments: tuple[Type, ...]) -> Type:
    return some(ItemType("FHIR", "Extension"))


def _resources(source: Type, arguments: tuple[Type, ...]) -> Type:
    return Type((ItemType("FHIR", "Resource"),), 0, source.max, source.ordered)


def _system_value(source: Type, arguments: tuple[Type, ...]) -> Type:
    return Type(None, 0, source.max, source.ordered)


def _keys(source: Type, arguments: tuple[Type, ...]) -> Type:
    return Type((STRING,), 0, source.max, source.ordered)


# http://hl7.org/fhir/R4/fhirpath.html#functions; keys: https://sql-on-fhir.org
FHIR = (
    Signature("extension", "functions", _extensions, (_TEXT,)),
    Signature("hasValue", "functions", always(BOOLEAN)),
    Signature("getValue", "functions", _system_value),
    Signature("resolve", "functions", _resources),
    Signature("getResourceKey", "", fallible(STRING)),
    Signature("getReferenceKey", "", _keys, (value(STRING, optional=True),)),
    Signature("elementDefinition", "functions", lambda s, a: some(ItemType("FHIR", "ElementDefinition"))),
    Signature("slice", "functions", filtered, (_TEXT, _TEXT)),
    Signature("checkModifiers", "functions", same, (Parameter("value", (STRING,), repeats=True),)),
    Signature("conformsTo", "functions", maybe(BOOLEAN), (_TEXT,)),
    Signature("memberOf", "functions", fallible(BOOLEAN), (_TEXT,)),
    Signature("subsumes", "functions", fallible(BOOLEAN), (COLLECTION,)),
    Signature("subsumedBy", "functions", fallible(BOOLEAN), (COLLECTION,)),
    Signature("htmlChecks", "functions", always(BOOLEAN)),
)
SIGNATURES = {
    signature.name: signature
    for section in (
        EXISTENCE,
        FILTERING,
        SUBSETTING,
        COMBINING,
        CONVERSION,
        STRINGS,
        MATH,
        NAVIGATION,
        UTILITY,
        AGGREGATES,
        FHIR,
    )
    for signature in section
}
