"""Logic, equality, lists, strings, conversions, aggregates."""

from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.query.cql.operators import PURE
from shangyi.query.cql.operators.conversion import to_datetime, to_string
from shangyi.query.cql.operators.lists import sort
from shangyi.query.cql.values import Code, Concept, DateTime, Long, Quantity, Ratio, Time, Tuple
from shangyi.query.errors import EvaluationError

TRUTHS = (True, False, None)


@pytest.mark.parametrize(("a", "b"), list(product(TRUTHS, TRUTHS)))
def test_three_valued_logic(a: bool | None, b: bool | None) -> None:
    """An answer is known where it is the same whatever the nulls stand for."""
    functions: dict[str, Callable[[bool, bool], bool]] = {
        "And": lambda p, q: p and q,
        "Or": lambda p, q: p or q,
        "Implies": lambda p, q: not p or q,
        "Xor": lambda p, q: p is not q,
    }
    for name, function in functions.items():
        possible = {
            function(p, q)
            for p in ((True, False) if a is None else (a,))
            for q in ((True, False) if b is None else (b,))
        }
        assert PURE[name](a, b) is (possible.pop() if len(possible) == 1 else None), name


values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.integers(-5, 5),
        st.sampled_from(["a", "A", "b c", ""]),
        st.booleans(),
        st.decimals(-5, 5, places=2),
        st.builds(Quantity, st.decimals(0, 5, places=1), st.sampled_from(["cm", "m", "g"])),
        st.builds(Code, st.sampled_from("xy"), st.sampled_from(["s", "t"])),
        st.integers(2000, 2004).map(lambda year: DateTime((year,), 0)),
    ),
    lambda inner: st.one_of(
        st.lists(st.one_of(st.none(), inner), max_size=3),
        st.fixed_dictionaries({"p": st.one_of(st.none(), inner)}).map(Tuple),
    ),
    max_leaves=4,
)


@given(values, values)
def test_equality_and_equivalence(a: Any, b: Any) -> None:
    assert PURE["Equal"](a, a) is True
    assert PURE["Equivalent"](a, a) is True
    assert PURE["Equal"](a, b) is PURE["Equal"](b, a)
    assert PURE["Equivalent"](a, b) is PURE["Equivalent"](b, a)
    assert PURE["Equal"](a, None) is None
    assert PURE["Equivalent"](a, None) is False
    if PURE["Equal"](a, b):
        assert PURE["Equivalent"](a, b) is True


lists = st.lists(st.one_of(st.none(), st.integers(0, 4), st.sampled_from("ab")), max_size=6)


@given(lists, lists)
def test_lists_are_sets_to_set_operators(a: list[Any], b: list[Any]) -> None:
    assert set(PURE["Union"](a, b)) == set(a) | set(b)
    assert set(PURE["Intersect"](a, b)) == set(a) & set(b)
    assert set(PURE["Except"](a, b)) == set(a) - set(b)
    assert PURE["Distinct"](a) == list(dict.fromkeys(a))
    assert PURE["Includes"](a, b) is (set(a) >= set(b))
    assert PURE["ProperIncludes"](a, b) is (set(a) > set(b))
    assert all(PURE["In"](item, a) is (item in a) for item in b)


def test_membership_is_unknown_where_precision_leaves_it_open() -> None:
    whole, fine = Time((10, 0, Decimal(0))), Time((10, 0, Decimal("0.001")))
    assert PURE["In"](whole, [fine]) is None
    assert PURE["In"](whole, [fine, whole]) is True
    assert PURE["ProperContains"](["a", None], "a") is None
    assert PURE["ProperContains"](["a", "b", None], "a") is True
    assert PURE["ProperContains"](["a", "a"], "a") is False
    assert PURE["ProperContains"](["s", None], None) is True


def test_nulls() -> None:
    assert PURE["Exists"]([None]) is False
    assert PURE["In"](None, [1, None]) is True
    assert PURE["Coalesce"](None, 2) == 2
    assert PURE["Coalesce"]([None, 3]) == 3
    assert PURE["Union"](None, [1]) == [1]
    assert PURE["Equal"]([None], [None]) is True
    assert PURE["Equal"](Tuple({"a": None, "b": 1}), Tuple({"a": 1, "b": 2})) is False
    assert PURE["Equal"](Tuple({"a": None, "b": 1}), Tuple({"a": 1, "b": 1})) is None
    assert sort([3, None, 1]) == [None, 1, 3]
    assert sort([3, None, 1], descending=True) == [3, 1, None]


@given(lists, st.integers(-2, 8))
def test_parts_of_lists(items: list[Any], count: int) -> None:
    assert PURE["Take"](items, count) + (PURE["Skip"](items, count) if count >= 0 else items) == items
    assert PURE["Indexer"](items, count) == (items[count] if 0 <= count < len(items) else None)
    if len(items) > 1:
        with pytest.raises(EvaluationError):
            PURE["SingletonFrom"](items)


def test_strings() -> None:
    assert PURE["Matches"]("Not all who wander are lost - circa 2017", r"^[\w\s]+$") is False
    assert PURE["Matches"]("http://fhir.org/Library/x", "Library") is True
    assert PURE["ReplaceMatches"]("All that glitters", r"\s", r"\$") == "All$that$glitters"
    assert PURE["ReplaceMatches"]("ab", "(a)(b)", "$2$1\\\\") == "ba\\"
    assert PURE["SplitOnMatches"]("a1b22c", r"\d+") == ["a", "b", "c"]
    assert PURE["Substring"]("ab", 2) is PURE["Substring"]("ab", -1) is None
    assert PURE["Combine"](["a", None, "c"], "-") == "a-c"
    with pytest.raises(EvaluationError, match="Not a regular expression"):
        PURE["Matches"]("a", "(")


@pytest.mark.parametrize(
    ("value", "text", "back"),
    [
        (True, "true", "ToBoolean"),
        (-5, "-5", "ToInteger"),
        (Long(2**40), str(2**40), "ToLong"),
        (Decimal("18.55"), "18.55", "ToDecimal"),
        (Decimal(5), "5.0", "ToDecimal"),
        (Quantity(Decimal("5.5"), "cm"), "5.5 'cm'", "ToQuantity"),
        (Quantity(Decimal(4), "day", True), "4 days", "ToQuantity"),
        (Ratio(Quantity(Decimal(1)), Quantity(Decimal(128))), "1 '1':128 '1'", "ToRatio"),
        (Time((9, 30, Decimal("1.003"))), "09:30:01.003", "ToTime"),
    ],
)
def test_text_goes_both_ways(value: Any, text: str, back: str) -> None:
    assert to_string(value) == text
    assert PURE[back](text) == value
    assert PURE[back.replace("To", "ConvertsTo")](text) is True


def test_dates_are_written_without_the_offset_of_the_request() -> None:
    value = to_datetime("2000-01-01T08:25:25.3-07:00", 480)
    assert to_string(value, 480) == "2000-01-01T08:25:25.300-07:00"
    assert to_string(value, -420) == "2000-01-01T08:25:25.300"
    assert to_datetime("2014/01/01", 0) is None


def test_what_does_not_convert_is_null() -> None:
    assert PURE["ToInteger"]("2147483648") is None
    assert PURE["ToDecimal"]("1e5") is None
    assert PURE["ToBoolean"]("maybe") is None
    assert PURE["ToQuantity"]("1 'nonsense'") is None
    assert PURE["ConvertsToInteger"]("x") is False
    assert PURE["ConvertQuantity"](Quantity(Decimal(5), "mg"), "g") == Quantity(Decimal("0.005"), "g")
    assert PURE["CanConvertQuantity"](Quantity(Decimal(5), "mg"), "m") is False


def test_codes() -> None:
    one, shown = Code("1", "s"), Code("1", "s", display="One")
    assert PURE["Equivalent"](one, shown) is True
    assert PURE["Equal"](one, shown) is None
    assert PURE["Equivalent"](Concept((one, Code("2", "s"))), Concept((shown,))) is True
    assert PURE["ToConcept"](shown) == Concept((shown,), "One")


def test_units_of_time() -> None:
    year, days = Quantity(Decimal(1), "year", True), Quantity(Decimal(365), "day", True)
    assert PURE["Equal"](year, Quantity(Decimal(1), "a")) is None
    assert PURE["Equivalent"](year, Quantity(Decimal(1), "a")) is True
    assert PURE["Equal"](year, Quantity(Decimal(12), "month", True)) is True
    assert PURE["Equivalent"](year, days) is True


numbers = st.lists(st.one_of(st.none(), st.decimals(-1000, 1000, places=2)), min_size=1, max_size=12)


@given(numbers)
def test_aggregates(items: list[Decimal | None]) -> None:
    known = [item for item in items if item is not None]
    assert PURE["Count"](items) == len(known)
    if not known:
        assert all(PURE[name](items) is None for name in ("Sum", "Avg", "Min", "Median", "Mode", "Variance"))
        return
    assert PURE["Sum"](items) == sum(known)
    assert (PURE["Min"](items), PURE["Max"](items)) == (min(known), max(known))
    middle = sorted(known)[(len(known) - 1) // 2 : len(known) // 2 + 1]
    assert PURE["Median"](items) == sum(middle) / len(middle)
    mean = sum(known, Decimal(0)) / len(known)
    population = sum(((k - mean) ** 2 for k in known), Decimal(0)) / len(known)
    assert abs(PURE["PopulationVariance"](items) - population) < Decimal("0.0000001")


def test_aggregates_of_quantities() -> None:
    lengths = [Quantity(Decimal(1), "m"), Quantity(Decimal(300), "cm")]
    assert PURE["Avg"](lengths) == Quantity(Decimal(2), "m")
    assert PURE["Equal"](PURE["Variance"](lengths), Quantity(Decimal(2), "m2")) is True
    assert PURE["Avg"]([lengths[0], Quantity(Decimal(1), "g")]) is None
    assert PURE["GeometricMean"]([Decimal(2), Decimal(8)]) == 4
    assert PURE["AllTrue"]([None, True]) is True
    assert PURE["AnyTrue"](None) is False
