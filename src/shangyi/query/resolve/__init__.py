"""From the syntax tree to the typed tree."""

from shangyi.query.resolve.resolver import Options, resolve

__all__ = ["Options", "resolve"]
