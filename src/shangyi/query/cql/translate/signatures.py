"""Signatures of the operators of System (https://cql.hl7.org/09-b-cqlreference.html): facts, one line for each.

``name name: operands -> result | operands -> result``; ``T`` is any type, a trailing precision is no operand.
"""

from functools import cache

from shangyi.query.cql.types import ANY, IntervalOf, ListOf, Type, Variable
from shangyi.query.types import system

_TEXT = """
And Or Xor Implies: Boolean Boolean -> Boolean
Not IsTrue IsFalse: Boolean -> Boolean
IsNull: Any -> Boolean
Coalesce: [T] -> T | T T -> T | T T T -> T | T T T T -> T | T T T T T -> T
ToString: Boolean|Integer|Long|Decimal|DateTime|Date|Time|Quantity|Ratio|String -> String
ToBoolean: Boolean|String|Integer|Long|Decimal -> Boolean
ToChars: String -> [String]
ToInteger: Integer|String|Long|Boolean|Decimal -> Integer
ToLong: Long|String|Integer|Boolean -> Long
ToDecimal: Decimal|String|Integer|Long|Boolean -> Decimal
ToDateTime: DateTime|String|Date -> DateTime
ToDate: Date|String|DateTime -> Date
ToTime: Time|String|DateTime -> Time
ToQuantity: Quantity|String|Ratio|Integer|Decimal -> Quantity
ToRatio: Ratio|String -> Ratio
ToConcept: Code -> Concept | [Code] -> Concept
ConvertsToBoolean ConvertsToInteger ConvertsToLong ConvertsToDecimal ConvertsToDateTime: Any -> Boolean
ConvertsToDate ConvertsToTime ConvertsToString ConvertsToQuantity ConvertsToRatio: Any -> Boolean
CanConvertQuantity: Quantity String -> Boolean
ConvertQuantity: Quantity String -> Quantity
Equal Equivalent: T T -> Boolean | (T) (T) -> Boolean | [T] [T] -> Boolean
Less LessOrEqual Greater GreaterOrEqual: 2*Integer|Long|Decimal|String|DateTime|Date|Time|Quantity -> Boolean
Abs Negate: =Integer|Long|Decimal|Quantity
Add: =2*Integer|Long|Decimal|Quantity|String | DateTime Quantity -> DateTime | Date Quantity -> Date | Time Quantity -> Time
Subtract: =2*Integer|Long|Decimal|Quantity | DateTime Quantity -> DateTime | Date Quantity -> Date | Time Quantity -> Time
Multiply Modulo TruncatedDivide: =2*Integer|Long|Decimal|Quantity
Divide: =2*Decimal|Quantity
Power: =2*Integer|Long|Decimal
Ceiling Floor Truncate: Decimal -> Integer
Exp Ln: =Decimal
Log: =2*Decimal
Round: Decimal -> Decimal | Decimal Integer -> Decimal
LowBoundary HighBoundary: Decimal Integer -> Decimal | Date Integer -> Date | DateTime Integer -> DateTime | Time Integer -> Time
Precision: Decimal|Date|DateTime|Time -> Integer
Successor Predecessor: =Integer|Long|Decimal|Date|DateTime|Time|Quantity
Combine: [String] -> String | [String] String -> String
Concatenate: =2*String
EndsWith StartsWith Matches: String String -> Boolean
Indexer: String Integer -> String | [T] Integer -> T
PositionOf LastPositionOf: String String -> Integer
Length: String -> Integer | [T] -> Integer
Lower Upper: =String
ReplaceMatches: String String String -> String
Split SplitOnMatches: String String -> [String]
Substring: String Integer -> String | String Integer Integer -> String
After Before SameAs SameOrAfter SameOrBefore: 2*DateTime|Date|Time -> Boolean | (T) (T) -> Boolean
DateTime: 1..7*Integer -> DateTime | Integer Integer Integer Integer Integer Integer Integer Decimal -> DateTime
Date: 1..3*Integer -> Date
Time: 1..4*Integer -> Time
DateFrom: DateTime -> Date
TimeFrom: DateTime -> Time
TimezoneFrom TimezoneOffsetFrom: DateTime -> Decimal
DateTimeComponentFrom: DateTime|Date|Time -> Integer
DifferenceBetween DurationBetween: 2*DateTime|Date|Time -> Integer
Now: -> DateTime
Today: -> Date
TimeOfDay: -> Time
Collapse: [(T)] Quantity -> [(T)]
Expand: [(T)] Quantity -> [(T)] | (T) Quantity -> [T]
Contains ProperContains: (T) T -> Boolean | [T] T -> Boolean
In ProperIn: T (T) -> Boolean | T [T] -> Boolean
Start End PointFrom Size Width: (T) -> T
Starts Ends Meets MeetsBefore MeetsAfter Overlaps OverlapsBefore OverlapsAfter: (T) (T) -> Boolean
Includes IncludedIn ProperIncludes ProperIncludedIn: (T) (T) -> Boolean | [T] [T] -> Boolean
Union Except Intersect: (T) (T) -> (T) | [T] [T] -> [T]
Distinct Tail: [T] -> [T]
Exists: [T] -> Boolean
Flatten: [[T]] -> [T]
First Last SingletonFrom Mode: [T] -> T
IndexOf: [T] T -> Integer
Skip Take: [T] Integer -> [T]
Slice: [T] -> [T] | [T] Integer -> [T] | [T] Integer Integer -> [T]
AllTrue AnyTrue: [Boolean] -> Boolean
Avg Median StdDev PopulationStdDev Variance PopulationVariance: [Decimal] -> Decimal | [Quantity] -> Quantity
Count: [T] -> Integer
GeometricMean: [Decimal] -> Decimal
Max Min: [Integer] -> Integer | [Long] -> Long | [Decimal] -> Decimal | [Quantity] -> Quantity | [DateTime] -> DateTime | [Date] -> Date | [Time] -> Time | [String] -> String
Product Sum: [Integer] -> Integer | [Long] -> Long | [Decimal] -> Decimal | [Quantity] -> Quantity
CalculateAge: DateTime|Date -> Integer
CalculateAgeAt: 2*DateTime|Date -> Integer
InValueSet: String|Code|Concept ValueSet -> Boolean
AnyInValueSet: [String] ValueSet -> Boolean | [Code] ValueSet -> Boolean | [Concept] ValueSet -> Boolean
InCodeSystem: String|Code|Concept CodeSystem -> Boolean
AnyInCodeSystem: [String] CodeSystem -> Boolean | [Code] CodeSystem -> Boolean | [Concept] CodeSystem -> Boolean
ExpandValueSet: ValueSet -> [Code]
Subsumes SubsumedBy: 2*Code|Concept -> Boolean
Message: T Boolean String String String -> T
"""

Signature = tuple[tuple[Type, ...], Type]


@cache
def signatures() -> dict[str, tuple[Signature, ...]]:
    """Operand types and result of each overload, by the operator's name."""
    found: dict[str, tuple[Signature, ...]] = {}
    for line in _TEXT.strip().splitlines():
        names, _, rows = line.partition(":")
        overloads = tuple(s for row in rows.split(" | ") for s in _row(row.strip()))
        found.update(dict.fromkeys(names.split(), overloads))
    return found


def _row(row: str) -> list[Signature]:
    """``=2*A|B``: of two of the same type; ``2*A|B -> R``; ``1..3*A -> R``; ``A|B C -> R``."""
    if row.startswith("="):
        count, _, names = row[1:].rpartition("*")
        return [((_type(n),) * int(count or 1), _type(n)) for n in names.split("|")]
    operands, _, result = row.rpartition("->")
    operands = operands.strip()
    count, starred, names = operands.partition("*")
    if starred:
        low, _, high = count.partition("..")
        return [
            ((_type(n),) * k, _type(result))
            for k in range(int(low), int(high or low) + 1)
            for n in names.split("|")
        ]
    first, *rest = operands.split() or [""]
    others = tuple(map(_type, rest))
    return [((_type(n), *others) if n else (), _type(result)) for n in first.split("|")]


def _type(text: str) -> Type:
    text = text.strip()
    if text.startswith("["):
        return ListOf(_type(text[1:-1]))
    if text.startswith("("):
        return IntervalOf(_type(text[1:-1]))
    if text == "T":
        return Variable("T")
    return ANY if text == "Any" else system(text)
