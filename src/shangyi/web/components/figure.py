"""Figure: one number with its denominator or change, opening onto the people behind it."""

from dataclasses import dataclass

from shangyi.web.components.tag import Tag


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` is already formatted for the language; ``note`` says of what, ``trend`` how it changed."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    href: str = ""
    trend: Tag | None = None
