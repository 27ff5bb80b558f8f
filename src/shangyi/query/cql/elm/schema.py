"""What ELM's schema says of operators whose operands have names of their own; of all others they are ``operand``."""

SOURCE = ("source",)
NAMED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        "First Last Children Descendents Descendants AllTrue AnyTrue Avg Count GeometricMean Max Median Min Mode"
        " PopulationStdDev PopulationVariance Product StdDev Sum Variance".split(),
        SOURCE,
    ),
    "Combine": ("source", "separator"),
    "Split": ("stringToSplit", "separator"),
    "SplitOnMatches": ("stringToSplit", "separatorPattern"),
    "PositionOf": ("pattern", "string"),
    "LastPositionOf": ("pattern", "string"),
    "Substring": ("stringToSub", "startIndex", "length"),
    "IndexOf": ("source", "element"),
    "Slice": ("source", "startIndex", "endIndex"),
    "Round": ("operand", "precision"),
    "Message": ("source", "condition", "code", "severity", "message"),
    "Date": ("year", "month", "day"),
    "Time": ("hour", "minute", "second", "millisecond"),
    "DateTime": ("year", "month", "day", "hour", "minute", "second", "millisecond", "timezoneOffset"),
    "InValueSet": ("code", "valueset"),
    "AnyInValueSet": ("codes", "valueset"),
    "InCodeSystem": ("code", "codesystem"),
    "AnyInCodeSystem": ("codes", "codesystem"),
}
UNARY = frozenset(
    "Abs CalculateAge CanConvert Ceiling Convert ConvertsToBoolean ConvertsToDate ConvertsToDateTime ConvertsToDecimal"
    " ConvertsToInteger ConvertsToLong ConvertsToQuantity ConvertsToRatio ConvertsToString ConvertsToTime DateFrom"
    " DateTimeComponentFrom Distinct End Exists Exp ExpandValueSet Flatten Floor IsFalse IsNull IsTrue Length Ln Lower"
    " Negate Not PointFrom Precision Predecessor SingletonFrom Size Start Successor TimeFrom TimezoneFrom"
    " TimezoneOffsetFrom ToBoolean ToChars ToConcept ToDate ToDateTime ToDecimal ToInteger ToList ToLong ToQuantity"
    " ToRatio ToString ToTime Truncate Upper Width".split()
)
"""Operators whose ``operand`` is one expression, not a list."""
LIMITS = ("MinValue", "MaxValue")
REFERENCES = {"valueset": "ValueSetRef", "codesystem": "CodeSystemRef"}
"""Operands that are references; other expressions there have ``Expression`` behind their name."""
