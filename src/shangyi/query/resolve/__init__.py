"""From the syntax tree to the typed tree."""

from shangyi.query.resolve.options import DEFAULT, Options
from shangyi.query.resolve.resolver import resolve

__all__ = ["DEFAULT", "Options", "resolve"]
