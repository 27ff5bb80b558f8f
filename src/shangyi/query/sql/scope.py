"""Where an expression stands: what ``$this``, ``$index``, ``$total`` and ``%name`` are as SQL."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shangyi.query.sql.ir import Expr
from shangyi.query.sql.values import Value


@dataclass(frozen=True, slots=True)
class Scope:
    """``variables``: ``%resource``, ``%context``, ``%rowIndex`` and what the caller defined. ``sites``: what
    ``defineVariable`` has set so far, shared by all scopes of an expression.
    """

    this: Value
    index: Expr | None = None
    total: Value | None = None
    variables: Mapping[str, Value] = field(default_factory=dict)
    sites: dict[int, Value] = field(default_factory=dict)

    def item(self, this: Value, index: Expr | None) -> "Scope":
        """The scope of one item."""
        return replace(self, this=this, index=index)
