"""Addresses of lists: every number leads to the people behind it by the same states and filters."""

from urllib.parse import urlencode


def people(path: str = "/residents", **filters: object) -> str:
    """A list of residents; empty filters are left out."""
    kept = {name: value for name, value in filters.items() if value not in ("", None)}
    return f"{path}?{urlencode(kept)}" if kept else path


def area(code: int) -> str:
    """A 12-digit division code without the zeros of what it does not say: county 6, town 9, village 12 digits."""
    digits = f"{code:012}"
    if digits[6:] == "000000":
        return digits[:6]
    return digits[:9] if digits[9:] == "000" else digits
