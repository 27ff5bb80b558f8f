"""Literals and selectors: values that are written out (https://cql.hl7.org/02-authorsguide.html#values)."""

from shangyi.query import temporal
from shangyi.query.cql import syntax
from shangyi.query.cql.lexer import UNITS
from shangyi.query.cql.parser.specifiers import Specifiers

_KINDS = {"date": "Date", "datetime": "DateTime", "time": "Time"}
_DATED = {"date": 1, "datetime": 1, "time": 2}


class Literals(Specifiers):
    """Numbers, strings, dates, quantities, intervals, tuples, lists, codes."""

    def literal(self, *, ratio: bool = True) -> syntax.Node:
        """A literal, which must be here. Without ``ratio`` a colon behind a quantity is left alone."""
        token = self.token
        if token.kind == "number":
            quantity = self.quantity_or_number()
            if ratio and self.at(":") and self.peek().kind == "number":
                self.advance()
                denominator = self.as_quantity(self.quantity_or_number())
                top = self.as_quantity(quantity)
                return syntax.Ratio(top, denominator, start=token.start, end=self.end)
            return quantity
        if token.kind in _KINDS:
            text = token.text[_DATED[token.kind] :]
            if temporal.parse(_KINDS[token.kind], text) is None:
                raise self.error(
                    "{text} is no {type}", token.start, token.end, text=token.text, type=_KINDS[token.kind]
                )
            self.advance()
            return syntax.Literal(token.kind, text, start=token.start, end=token.end)
        self.advance()
        kind = token.kind
        if kind == "name":
            kind = "null" if token.text == "null" else "boolean"
        text = token.text[:-1] if kind == "long" else token.text
        return syntax.Literal(kind, text, start=token.start, end=token.end)

    def quantity_or_number(self) -> syntax.Node:
        """A number, with a unit a quantity."""
        token = self.advance()
        unit = self.token
        if unit.kind == "string":
            self.advance()
            return syntax.Quantity(token.text, unit.text, False, start=token.start, end=unit.end)
        if unit.kind == "name" and unit.text in UNITS:
            self.advance()
            return syntax.Quantity(token.text, UNITS[unit.text], True, start=token.start, end=unit.end)
        return syntax.Literal("number", token.text, start=token.start, end=token.end)

    def quantity(self) -> syntax.Quantity:
        """A quantity, as a timing phrase needs one."""
        if self.token.kind != "number":
            raise self.unexpected("a quantity", ())
        return self.as_quantity(self.quantity_or_number())

    def as_quantity(self, node: syntax.Node) -> syntax.Quantity:
        """A number without a unit is a quantity of one."""
        if isinstance(node, syntax.Quantity):
            return node
        assert isinstance(node, syntax.Literal)
        return syntax.Quantity(node.text, "1", False, start=node.start, end=node.end)

    def interval(self) -> syntax.Node:
        """``Interval[…``, its word passed."""
        start = self.tokens[self.position - 1].start
        opening = self.accept("[", "(")
        if not opening:
            raise self.unexpected("[ or (", ())
        low = self.expression()
        self.expect(",")
        high = self.expression()
        closing = self.accept("]", ")")
        if not closing:
            raise self.unexpected("] or )", ())
        return syntax.Interval(low, high, opening == "[", closing == "]", start=start, end=self.end)

    def braces(self, start: int) -> syntax.Node:
        """``{ … }``: a tuple where an element or a colon follows, else a list."""
        if self.follows(":") or (self.peek().kind in ("name", "quoted") and self.follows(":", ahead=2)):
            return syntax.Tuple(self.elements(), start=start, end=self.end)
        return self.list_of(None, start)

    def list_of(self, element: syntax.TypeSpecifier | None, start: int) -> syntax.List:
        """A list's braces."""
        self.expect("{")
        elements: list[syntax.Node] = []
        if not self.at("}"):
            elements.append(self.expression())
            while self.accept(","):
                elements.append(self.expression())
        self.expect("}")
        return syntax.List(element, tuple(elements), start=start, end=self.end)

    def elements(self) -> tuple[syntax.Element, ...]:
        """The braces of a tuple or an instance."""
        self.expect("{")
        if self.accept(":"):
            self.expect("}")
            return ()
        found: list[syntax.Element] = []
        while True:
            start = self.token.start
            if self.token.kind not in ("name", "quoted"):
                raise self.unexpected("the name of an element", ())
            name = self.advance().text
            self.expect(":")
            found.append(syntax.Element(name, self.expression(), start=start, end=self.end))
            if not self.accept(","):
                self.expect("}")
                return tuple(found)

    def code(self) -> syntax.Code:
        """``Code 'x' from "System" display '…'``."""
        start = self.token.start
        self.expect("Code")
        code = self.string()
        self.expect("from")
        system = self.qualified()
        return syntax.Code(code, system, self.display(), start=start, end=self.end)

    def concept(self) -> syntax.Concept:
        """``Concept { Code … }``."""
        start = self.token.start
        self.expect("Concept")
        self.expect("{")
        codes = [self.code()]
        while self.accept(","):
            codes.append(self.code())
        self.expect("}")
        return syntax.Concept(tuple(codes), self.display(), start=start, end=self.end)

    def qualified(self) -> syntax.Name:
        """``name`` or ``library.name``."""
        start = self.token.start
        name, library = self.name(), ""
        if self.accept("."):
            name, library = self.name(), name
        return syntax.Name(library, name, start=start, end=self.end)

    def display(self) -> str | None:
        """``display '…'``, if it is here."""
        return self.string() if self.accept("display") else None
