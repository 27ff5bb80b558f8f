"""Timing phrases as operators (https://cql.hl7.org/09-b-cqlreference.html#interval-operators-3)."""

from shangyi.query.cql import syntax, tree
from shangyi.query.cql.translate.operators import Operators
from shangyi.query.cql.types import BOOLEAN, IntervalOf, ListOf
from shangyi.query.types import ItemType

_EDGE = {"start": "Start", "end": "End"}
_COMPARED = {
    "Before": "Less",
    "After": "Greater",
    "SameOrBefore": "LessOrEqual",
    "SameOrAfter": "GreaterOrEqual",
}
"""What a phrase means of numbers, which have no operator of its name."""
_SIDES = {"meets": "Meets", "overlaps": "Overlaps", "starts": "Starts", "ends": "Ends"}


class Timing(Operators):
    """Phrases."""

    def timing(self, node: syntax.Timing) -> tree.Node:
        """``left phrase right``."""
        phrase = node.phrase
        left = self._edge(self.expression(node.left), phrase.left, node.left)
        right = self._edge(self.expression(node.right), phrase.right, node.right)
        match phrase.kind:
            case "meets" | "overlaps" | "starts" | "ends":
                name = _SIDES[phrase.kind] + phrase.relation.capitalize()
                return self.call(name, [left, right], node, phrase.precision, phrase.kind)
            case "includes":
                return self._includes(left, right, node, phrase)
            case "during":
                return self._during(left, right, node, phrase)
            case "within":
                return self._within(left, right, node, phrase)
            case "same" if phrase.relation == "as":
                return self._same(left, right, node, phrase.precision)
        if phrase.offset is not None:
            return self._offset(left, right, node, phrase)
        name = phrase.relation.capitalize()
        return self._ordered(
            f"SameOr{name}" if phrase.inclusive else name, left, right, node, phrase.precision
        )

    def _edge(self, value: tree.Node, edge: str, at: syntax.Node) -> tree.Node:
        return self.call(_EDGE[edge], [value], at, shown=edge) if edge else value

    def _boundary(self, value: tree.Node, edge: str, at: syntax.Node) -> tree.Node:
        """The start or end of an interval, a point itself."""
        if self.is_interval(value):
            return self.call(_EDGE[edge], [value], at, shown=edge)
        return value

    def is_interval(self, value: tree.Node) -> bool:
        """Whether a value is an interval, or can only become one (a FHIR Period)."""
        if isinstance(value.type, IntervalOf):
            return True
        targets = self.types.targets(value.type) if isinstance(value.type, ItemType) else []
        return bool(targets) and all(isinstance(target, IntervalOf) for target in targets)

    def _ordered(
        self, name: str, left: tree.Node, right: tree.Node, at: syntax.Node, precision: str | None
    ) -> tree.Node:
        """``before`` and its like; of a point and an interval the end that is meant."""
        if self.is_interval(left) != self.is_interval(right) and not self.fits(name, [left.type, right.type]):
            before = name.endswith("Before")
            left = self._boundary(left, "end" if before else "start", at)
            right = self._boundary(right, "start" if before else "end", at)
            if precision is None and not self.fits(name, [left.type, right.type]):
                name = _COMPARED[name]
        return self.call(name, [left, right], at, precision)

    def _same(self, left: tree.Node, right: tree.Node, at: syntax.Node, precision: str | None) -> tree.Node:
        if self.is_interval(left) != self.is_interval(right):
            left, right = self._as_interval(left), self._as_interval(right)
        return self.call("SameAs", [left, right], at, precision, "same as")

    def _as_interval(self, value: tree.Node) -> tree.Node:
        """A point as the interval of itself; null stays null."""
        if self.is_interval(value):
            return value
        type_ = IntervalOf(value.type)
        absent = tree.Operator("IsNull", (value,), type=BOOLEAN, place=value.place)
        whole = tree.Interval(value, value, type=type_, place=value.place)
        return tree.If(absent, tree.Null(type=type_, place=value.place), whole, type=type_, place=value.place)

    def _includes(
        self, left: tree.Node, right: tree.Node, at: syntax.Node, phrase: syntax.Phrase
    ) -> tree.Node:
        whole = isinstance(right.type, ListOf) or self.is_interval(right)
        name = "ProperIncludes" if phrase.properly else "Includes"
        if whole and (not isinstance(left.type, ListOf) or isinstance(right.type, ListOf)):
            return self.call(name, [left, right], at, phrase.precision, "includes")
        if isinstance(right, tree.Null) and self.fits(name, [left.type, right.type]):
            return self.call(name, [left, right], at, phrase.precision, "includes")
        return self.containing(left, right, at, phrase.precision, phrase.properly)

    def _during(self, left: tree.Node, right: tree.Node, at: syntax.Node, phrase: syntax.Phrase) -> tree.Node:
        whole = isinstance(left.type, ListOf) or self.is_interval(left)
        name = "ProperIncludedIn" if phrase.properly else "IncludedIn"
        if whole and (not isinstance(right.type, ListOf) or isinstance(left.type, ListOf)):
            return self.call(name, [left, right], at, phrase.precision, "during")
        if isinstance(left, tree.Null) and self.fits(name, [left.type, right.type]):
            return self.call(name, [left, right], at, phrase.precision, "during")
        return self.membership(left, right, at, phrase.precision, phrase.properly)

    def _moved(self, name: str, value: tree.Node, offset: syntax.Quantity) -> tree.Node:
        return self.call(name, [value, self.quantity(offset)], offset, shown="+" if name == "Add" else "-")

    def _within(self, left: tree.Node, right: tree.Node, at: syntax.Node, phrase: syntax.Phrase) -> tree.Node:
        """``within 3 days of``: in the interval around the right side."""
        assert phrase.offset is not None
        low = self._moved("Subtract", self._boundary(right, "start", at), phrase.offset)
        high = self._moved("Add", self._boundary(right, "end", at), phrase.offset)
        closed = not phrase.properly
        window = tree.Interval(low, high, closed, closed, type=IntervalOf(low.type), place=self.place(at))
        name = "IncludedIn" if self.is_interval(left) else "In"
        return self._known(self.call(name, [left, window], at, phrase.precision, "within"), right)

    def _offset(self, left: tree.Node, right: tree.Node, at: syntax.Node, phrase: syntax.Phrase) -> tree.Node:
        """``3 days or more before``: the left end compared with the right one moved."""
        assert phrase.offset is not None
        before = phrase.relation == "before"
        left = self._boundary(left, "end" if before else "start", at)
        right = self._boundary(right, "start" if before else "end", at)
        moved = self._moved("Subtract" if before else "Add", right, phrase.offset)
        relation = "Before" if before else "After"
        match phrase.bound:
            case "":
                return self.call("SameAs", [left, moved], at, phrase.precision)
            case "or more":
                return self.call(f"SameOr{relation}", [left, moved], at, phrase.precision)
            case "more than":
                return self.call(relation, [left, moved], at, phrase.precision)
        far, near = phrase.bound == "or less", phrase.inclusive
        if before:
            window = tree.Interval(moved, right, far, near, type=IntervalOf(moved.type), place=self.place(at))
        else:
            window = tree.Interval(right, moved, near, far, type=IntervalOf(moved.type), place=self.place(at))
        (low, high), point = self._ends(window.low, window.high, at)
        window = tree.Interval(
            low, high, window.low_closed, window.high_closed, type=IntervalOf(point), place=self.place(at)
        )
        return self._known(self.call("In", [left, window], at, phrase.precision), right)

    def _known(self, found: tree.Node, right: tree.Node) -> tree.Node:
        """An interval around null would be one around anything."""
        absent = tree.Operator("IsNull", (right,), type=BOOLEAN, place=right.place)
        return self.all_of(found, self.negated(absent))
