"""Three-valued logic and nulls (https://cql.hl7.org/09-b-cqlreference.html#logical-operators-3)."""

from typing import Any

Truth = bool | None


def logical_and(left: Truth, right: Truth) -> Truth:
    """False where one is, true where both are."""
    if left is False or right is False:
        return False
    return True if left and right else None


def logical_or(left: Truth, right: Truth) -> Truth:
    """True where one is, false where both are false."""
    if left or right:
        return True
    return False if left is False and right is False else None


def xor(left: Truth, right: Truth) -> Truth:
    """Whether exactly one is true."""
    return None if left is None or right is None else left is not right


def implies(left: Truth, right: Truth) -> Truth:
    """False only where true implies false."""
    if left is False or right is True:
        return True
    return False if left and right is False else None


def logical_not(value: Truth) -> Truth:
    """The opposite."""
    return None if value is None else not value


def is_null(value: Any) -> bool:
    """``is null``."""
    return value is None


def is_true(value: Truth) -> bool:
    """``is true``."""
    return value is True


def is_false(value: Truth) -> bool:
    """``is false``."""
    return value is False


def coalesce(*values: Any) -> Any:
    """The first that is not null; of a single list, its first element that is not."""
    candidates = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return next((value for value in candidates if value is not None), None)
