"""What the names of a node stand for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from shangyi.query.cql.sql.values import Value
from shangyi.query.sql import ir
from shangyi.query.temporal import DateTime


class Variable(ir.Name):
    """The variable of a lambda: a value in one column."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """What references stand for, by name: operands of a function, aliases and lets of queries, items of loops.

    ``offset``: of the evaluation, in minutes from UTC; ``now``: its instant.
    """

    operands: Mapping[str, Value] = field(default_factory=dict)
    offset: int = 0
    now: DateTime | None = None
    aliases: Mapping[str, Value] = field(default_factory=dict)
    lets: Mapping[str, Value] = field(default_factory=dict)
    items: Mapping[str, Value] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1), repr=False, compare=False)

    def fresh(self) -> Variable:
        """A variable that no other lambda has."""
        return Variable(f"x{next(self.numbers)}")

    def alias(self, name: str, value: Value) -> "Columns":
        """Within a query: one more source."""
        return replace(self, aliases={**self.aliases, name: value})

    def let(self, name: str, value: Value) -> "Columns":
        """Within a query: one more ``let``, or the value so far of an aggregate."""
        return replace(self, lets={**self.lets, name: value})

    def item(self, scope: str, value: Value) -> "Columns":
        """Within a loop: ``$this``, ``$index``, ``$total``, under these names behind that of the loop's scope."""
        return replace(self, items={**self.items, scope: value})
