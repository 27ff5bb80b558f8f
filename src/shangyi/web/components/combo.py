"""Combo: a text field with choices as one types; what was chosen is sent beside the text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """``value`` is sent in ``<field>_value``, ``label`` stands in the field; ``note`` in grey; ``fill`` goes elsewhere."""

    value: str
    label: str
    note: str = ""
    fill: str = ""
