"""Type specifiers (https://cql.hl7.org/03-developersguide.html#type-specifiers)."""

from shangyi.query.cql import syntax
from shangyi.query.cql.parser.cursor import Cursor

_TYPE_NAMES = {"Code", "Concept", "date", "time"}


class Specifiers(Cursor):
    """Types."""

    def type_specifier(self) -> syntax.TypeSpecifier:
        """Any type."""
        start = self.token.start
        kind = self.token.text if self.token.kind == "name" else ""
        if kind in ("List", "Interval", "Choice") and self.follows("<"):
            self.deeper()
            self.advance()
            self.advance()
            types = [self.type_specifier()]
            while kind == "Choice" and self.accept(","):
                types.append(self.type_specifier())
            self.expect(">")
            self.depth -= 1
            if kind == "List":
                return syntax.ListType(types[0], start=start, end=self.end)
            if kind == "Interval":
                return syntax.IntervalType(types[0], start=start, end=self.end)
            return syntax.ChoiceType(tuple(types), start=start, end=self.end)
        if kind == "Tuple" and self.follows("{"):
            self.deeper()
            self.advance()
            self.advance()
            elements = [(self.name(), self.type_specifier())]
            while self.accept(","):
                elements.append((self.name(), self.type_specifier()))
            self.expect("}")
            self.depth -= 1
            return syntax.TupleType(tuple(elements), start=start, end=self.end)
        return self.named_type()

    def named_type(self) -> syntax.NamedType:
        """``Patient``, ``FHIR.Patient``."""
        start = self.token.start
        parts = [self.type_name()]
        while self.accept("."):
            parts.append(self.type_name())
        return syntax.NamedType(tuple(parts), start=start, end=self.end)

    def type_name(self) -> str:
        """One part of a type's name."""
        if self.at(*_TYPE_NAMES):
            return self.advance().text
        return self.name("a type")
