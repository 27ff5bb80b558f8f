"""Three-valued logic and nulls (https://cql.hl7.org/09-b-cqlreference.html#logical-operators-3)."""

from typing import Any

from shangyi.query.closures.logic import Answer as Truth
from shangyi.query.closures.logic import conjunction, disjunction, exclusive, implication, negation

# FHIRPath's tables are CQL's; here they have their names in ELM.
logical_and, logical_or, xor, implies, logical_not = (
    conjunction,
    disjunction,
    exclusive,
    implication,
    negation,
)


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
