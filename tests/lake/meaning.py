"""When two resources say the same: the order of names does not count, nor a property that is null; digits do."""

from decimal import Decimal
from typing import Any


def meaning(value: Any) -> Any:
    """A comparable form."""
    if isinstance(value, dict):
        return {name: meaning(inner) for name, inner in sorted(value.items()) if inner is not None}
    if isinstance(value, list):
        return [meaning(item) for item in value]
    if isinstance(value, Decimal):
        return ("number", str(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return ("number", str(value))
    return value
