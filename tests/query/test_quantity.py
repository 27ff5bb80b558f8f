"""Cases of the official suite (groups testQuantity and testTypes)."""

from decimal import Decimal

import pytest

from shangyi.query.quantity import Quantity, add, compare, divide, equivalent, multiply


def quantity(value: str, unit: str) -> Quantity:
    return Quantity(Decimal(value), unit.strip("'"), calendar=not unit.startswith("'"))


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        (("4.0000", "'g'"), ("4000.0", "'mg'"), 0),
        (("7", "day"), ("1", "'wk'"), 0),
        (("6", "day"), ("1", "week"), -1),
        (("1", "year"), ("12", "month"), 0),
        (("1", "year"), ("1", "'a'"), None),
        (("1", "'kg'"), ("1", "'m'"), None),
    ],
)
def test_order(left: tuple[str, str], right: tuple[str, str], order: int | None) -> None:
    assert compare(quantity(*left), quantity(*right)) == order


def test_equivalence_rounds_to_the_less_precise() -> None:
    assert equivalent(quantity("4", "'g'"), quantity("4040", "'mg'"))
    assert not equivalent(quantity("4", "'g'"), quantity("4", "'m'"))


def test_arithmetic_carries_units() -> None:
    product = multiply(quantity("2.0", "'cm'"), quantity("2.0", "'m'"))
    assert compare(product, quantity("0.040", "'m2'")) == 0
    assert divide(quantity("1", "'m'"), quantity("0", "'m'")) is None
    assert add(quantity("1", "'kg'"), quantity("1", "'g'")) == quantity("1001", "'g'")
