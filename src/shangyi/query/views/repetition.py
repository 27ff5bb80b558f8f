"""``repeat``: items level by level as far as the columns go, each before what is below it.

The levels are kept in different STRUCTs, so every item is brought to one shape that has only the fields asked for.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from shangyi.query.model import FHIR
from shangyi.query.sql import filtering, ir, values
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.values import EMPTY, Many, Names, Slot, Value

_WORD = re.compile(r"[A-Za-z]\w*")
Step = Callable[[Value], Value]


class Repetition:
    """``steps``: what each path of ``repeat`` gives for an item; ``texts``: the expressions over the items."""

    def __init__(self, steps: tuple[Step, ...], texts: Iterable[str], names: Names) -> None:
        self.projections, self.names = steps, names
        written = list(texts)
        self.whole = any("$this" in text for text in written)
        self.words = {word for text in written for word in _WORD.findall(text)}

    def items(self, start: Value) -> Value:
        """All items below ``start``, as a list."""
        slots = tuple(self.narrowed(slot) for slot in values.merged_slots(self.slots(start, 0)))
        return self.below(start, slots) if slots else EMPTY

    def narrowed(self, slot: Slot) -> Slot:
        """With the fields that the expressions can name."""
        if self.whole:
            return slot
        keys = {form.key for word in self.words for form in FHIR.forms(slot.type, word)}
        kept = tuple(f for f in slot.fields if f.name.lstrip("_") in keys)
        return replace(slot, fields=kept or slot.fields[:1])

    def steps(self, item: Value) -> Iterator[Many]:
        """The items next below, by each path."""
        for projection in self.projections:
            found = values.listed(projection(item))
            if found.slots:
                yield found

    def slots(self, item: Value, depth: int) -> tuple[Slot, ...]:
        """Every slot that an item at any level is kept in."""
        if depth > filtering.DEEPEST:
            return ()
        found: list[Slot] = []
        for many in self.steps(item):
            found += many.slots
            found += self.slots(values.opened(many.slots, self.names.fresh()), depth + 1)
        return tuple(found)

    def below(self, item: Value, slots: tuple[Slot, ...]) -> Many:
        """The items below one, each before its own."""
        of = values.item_type(slots)
        parts: list[Expr] = []
        for many in self.steps(item):
            x = self.names.fresh()
            here = values.opened(many.slots, x)
            first: Expr = ir.Listed((values.packed(here, slots),), of)
            rest = self.below(here, slots)
            each = ir.call("list_join", first, rest.sql) if rest.slots else first
            some = ir.call("coalesce", many.sql, ir.Listed((), many.item_type))
            parts.append(ir.call("flatten", ir.call("list_map", some, ir.Lambda((x,), each))))
        if not parts:
            return Many((), ir.Listed((), of))
        return Many(slots, parts[0] if len(parts) == 1 else ir.call("list_join", *parts))
