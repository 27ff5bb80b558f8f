"""Operators between and before expressions, by the names that ELM has for them."""

from dataclasses import replace

from shangyi.query.cql import syntax, tree
from shangyi.query.cql.translate.terms import Terms
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    CODESYSTEM,
    INTEGER,
    QUANTITY,
    STRING,
    VALUESET,
    IntervalOf,
    ListOf,
    Type,
)

BINARY = {
    "and": "And",
    "or": "Or",
    "xor": "Xor",
    "implies": "Implies",
    "=": "Equal",
    "~": "Equivalent",
    "<": "Less",
    "<=": "LessOrEqual",
    ">": "Greater",
    ">=": "GreaterOrEqual",
    "+": "Add",
    "-": "Subtract",
    "*": "Multiply",
    "/": "Divide",
    "div": "TruncatedDivide",
    "mod": "Modulo",
    "^": "Power",
}
_NEGATED = {"!=": "Equal", "!~": "Equivalent"}
_SETS = {"|": "Union", "union": "Union", "intersect": "Intersect", "except": "Except"}
UNARY = {
    "not": "Not",
    "exists": "Exists",
    "is null": "IsNull",
    "is true": "IsTrue",
    "is false": "IsFalse",
    "start": "Start",
    "end": "End",
    "width": "Width",
    "successor": "Successor",
    "predecessor": "Predecessor",
    "singleton": "SingletonFrom",
    "point": "PointFrom",
    "distinct": "Distinct",
    "flatten": "Flatten",
    "-": "Negate",
}
_COMPONENTS = {
    "date": "DateFrom",
    "time": "TimeFrom",
    "timezone": "TimezoneFrom",
    "timezoneoffset": "TimezoneOffsetFrom",
}
_IN = {VALUESET: ("InValueSet", "AnyInValueSet"), CODESYSTEM: ("InCodeSystem", "AnyInCodeSystem")}


class Operators(Terms):
    """Operators."""

    def unary(self, node: syntax.Unary) -> tree.Node:
        """An operator on one expression."""
        if node.operator == "-" and node.operand == syntax.Literal("number", "2147483648"):
            return tree.Literal(-(2**31), type=INTEGER, place=self.place(node))
        operand = self.expression(node.operand)
        if node.operator == "+":
            return operand
        if node.operator == "from":
            assert node.precision is not None
            if node.precision in _COMPONENTS:
                return self.call(_COMPONENTS[node.precision], [operand], node, shown=f"{node.precision} from")
            return self.call(
                "DateTimeComponentFrom", [operand], node, node.precision, f"{node.precision} from"
            )
        return self.call(UNARY[node.operator], [operand], node, shown=node.operator)

    def negated(self, node: tree.Node) -> tree.Node:
        """``not``."""
        return tree.Operator("Not", (node,), type=BOOLEAN, place=node.place)

    def all_of(self, *nodes: tree.Node) -> tree.Node:
        """``and`` of conditions."""
        first, *rest = nodes
        for other in rest:
            first = tree.Operator("And", (first, other), type=BOOLEAN, place=first.place)
        return first

    def binary(self, node: syntax.Binary) -> tree.Node:
        """An operator between two expressions. Long chains of one operator are read without recursion."""
        chain = [node]
        while isinstance(chain[-1].left, syntax.Binary):
            chain.append(chain[-1].left)
        left = self.expression(chain[-1].left)
        for link in reversed(chain):
            left = self.between_two(link, left, self.expression(link.right))
        return left

    def between_two(self, node: syntax.Binary, left: tree.Node, right: tree.Node) -> tree.Node:
        """One operator on its operands."""
        operator = node.operator
        if operator in _NEGATED:
            return self.negated(self.call(_NEGATED[operator], [left, right], node, shown=operator))
        if operator in _SETS:
            return self.set_operation(_SETS[operator], left, right, node)
        if operator == "in":
            return self.membership(left, right, node, node.precision)
        if operator == "contains":
            return self.containing(left, right, node, node.precision)
        if operator == "&":
            return self.concatenated(left, right, node)
        found = self.call(BINARY[operator], [left, right], node, shown=operator)
        return replace(found, name="Concatenate") if operator == "+" and found.type == STRING else found

    def concatenated(self, left: tree.Node, right: tree.Node, node: syntax.Node) -> tree.Node:
        """``&``: null is the empty string."""
        empty = tree.Literal("", type=STRING, place=self.place(node))
        sides = [self.convert(side, STRING, node) for side in (left, right)]
        filled = [tree.Operator("Coalesce", (s, empty), type=STRING, place=s.place) for s in sides]
        return tree.Operator("Concatenate", tuple(filled), type=STRING, place=self.place(node))

    def set_operation(self, name: str, left: tree.Node, right: tree.Node, node: syntax.Node) -> tree.Node:
        """``union``, ``intersect``, ``except``: lists of different items unite to a list of a choice."""
        left, right = self._listed(left), self._listed(right)
        a, b = left.type, right.type
        if isinstance(a, ListOf) and isinstance(b, ListOf) and a != b and ANY not in (a.element, b.element):
            found = self.types.conversion(b, a), self.types.conversion(a, b)
            element = self.types.common([a.element, b.element])
            if name == "Union" or not any(found):
                type_: Type = ListOf(element) if name != "Except" else a
                if name == "Intersect":
                    type_ = a
                return tree.Operator(name, (left, right), type=type_, place=self.place(node))
        return self.call(name, [left, right], node, shown=name.lower())

    def _listed(self, node: tree.Node) -> tree.Node:
        """A value set among lists is its codes."""
        if node.type == VALUESET:
            found = self.types.to_type(node, self.types.targets(VALUESET)[0])
            return found if found is not None else node
        return node

    def membership(
        self,
        item: tree.Node,
        container: tree.Node,
        node: syntax.Node,
        precision: str | None = None,
        proper: bool = False,
    ) -> tree.Node:
        """``item in container``: of a value set, a code system, a list or an interval."""
        if container.type in _IN:
            one, many = _IN[container.type]
            return self.call(
                many if isinstance(item.type, ListOf) else one, [item, container], node, shown="in"
            )
        name = "ProperIn" if proper else "In"
        return self.call(name, [item, container], node, precision, "in")

    def containing(
        self,
        container: tree.Node,
        item: tree.Node,
        node: syntax.Node,
        precision: str | None = None,
        proper: bool = False,
    ) -> tree.Node:
        """``container contains item``."""
        if container.type in _IN:
            return self.membership(item, container, node)
        name = "ProperContains" if proper else "Contains"
        return self.call(name, [container, item], node, precision, "contains")

    def between(self, node: syntax.Between) -> tree.Node:
        """``x between low and high``."""
        operand, low, high = (self.expression(n) for n in (node.operand, node.low, node.high))
        if isinstance(operand.type, IntervalOf):
            (low, high), point = self._ends(low, high, node)
            whole = tree.Interval(low, high, type=IntervalOf(point), place=self.place(node))
            return self.call("ProperIncludedIn" if node.properly else "IncludedIn", [operand, whole], node)
        above, below = ("Greater", "Less") if node.properly else ("GreaterOrEqual", "LessOrEqual")
        return replace(
            self.all_of(self.call(above, [operand, low], node), self.call(below, [operand, high], node)),
            place=self.place(node),
        )

    def span(self, node: syntax.Span) -> tree.Node:
        """``days between a and b``, ``duration in days of x``."""
        name = "DurationBetween" if node.operator == "duration" else "DifferenceBetween"
        low = self.expression(node.low)
        if node.high is None:
            ends: list[tree.Node] = [self.call("Start", [low], node), self.call("End", [low], node)]
        else:
            ends = [low, self.expression(node.high)]
        return self.call(name, ends, node, node.precision, f"{node.operator} in {node.precision}s")

    def index(self, node: syntax.Index) -> tree.Node:
        """``source[index]``."""
        return self.call(
            "Indexer", [self.expression(node.source), self.expression(node.index)], node, shown="[]"
        )

    def per(self, node: syntax.Per) -> tree.Node:
        """``expand x per day``, ``collapse``."""
        place = self.place(node)
        per: tree.Node = tree.Null(type=QUANTITY, place=place)
        if node.per is not None:
            per = self.convert(self.expression(node.per), QUANTITY, node.per)
        return self.call(node.operator.capitalize(), [self.expression(node.operand), per], node)
