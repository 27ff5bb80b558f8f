"""Where in a frame each name of a definition or function stands; known when it is compiled."""

from dataclasses import dataclass, field
from typing import Any

from shangyi.query.cql.closures.evaluation import Frame


@dataclass
class Slots:
    """The frame of one definition or call: slot 0 is the evaluation."""

    count: int = 1

    def new(self) -> int:
        """A slot that nothing else uses."""
        self.count += 1
        return self.count - 1


@dataclass(frozen=True)
class Names:
    """The names that are visible at a place, each with its slot; ``lets`` are computed when first asked for."""

    slots: Slots
    operands: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    lets: dict[str, int] = field(default_factory=dict)
    items: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Of a scope: the item, its index, the total."""

    def with_alias(self, name: str) -> "Names":
        """One alias more."""
        return Names(
            self.slots, self.operands, {**self.aliases, name: self.slots.new()}, self.lets, self.items
        )

    def with_let(self, name: str) -> "Names":
        """One ``let`` more."""
        return Names(
            self.slots, self.operands, self.aliases, {**self.lets, name: self.slots.new()}, self.items
        )

    def with_item(self, scope: str) -> "Names":
        """An item of ``Filter`` and its like."""
        found = (self.slots.new(), self.slots.new(), self.slots.new())
        return Names(self.slots, self.operands, self.aliases, self.lets, {**self.items, scope: found})


def frame(at: Any, slots: Slots, *operands: Any) -> Frame:
    """A new frame; operands come right after the evaluation."""
    made: Frame = [at, *operands]
    made += [None] * (slots.count - len(made))
    return made
