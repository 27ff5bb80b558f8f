"""Figure: one number with its denominator or change, opening onto the people behind it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` is already formatted for the language; ``note`` says of what, or since when."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    href: str = ""
