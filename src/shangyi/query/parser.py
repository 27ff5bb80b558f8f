"""FHIRPath text to a tree: precedence climbing over the grammar's table (http://hl7.org/fhirpath/N1/#precedence)."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import repeat

from shangyi.query import tree
from shangyi.query.errors import ParseError
from shangyi.query.lexer import Token, error, place, tokenize

BINARY = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "<": 6,
    "<=": 6,
    ">": 6,
    ">=": 6,
    "|": 7,
    "is": 8,
    "as": 8,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
UNARY = 11
CALENDAR = {
    word: word.rstrip("s")
    for word in (
        "year years month months week weeks day days hour hours"
        " minute minutes second seconds millisecond milliseconds"
    ).split()
}
_RESERVED = {"true", "false", "and", "or", "xor", "implies", "div", "mod"}
_VARIABLES = {"$this", "$index", "$total"}
_TYPE_FUNCTIONS = {"is", "as", "ofType"}
_DEPTH = 200
_LONGEST = 400
"""Operators or steps one after the other: a tree leans to the left by as many nodes, and is walked by recursion."""


def parse(text: str) -> tree.Node:
    """The tree of an expression; ParseError with line, column and the marked text."""
    try:
        return _Parser(text).parse()
    except RecursionError:
        raise error("The expression is nested too deeply", text, 0, len(text)) from None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.position = 0
        self.depth = 0

    def parse(self) -> tree.Node:
        node = self.expression(0)
        if self.token.kind != "end":
            raise self.unexpected()
        return node

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def unexpected(self, expected: str = "") -> ParseError:
        token = self.token
        if token.kind == "end":
            return error("The expression ends too early", self.text, token.start, token.end)
        found = self.text[token.start : token.end]
        if expected:
            template = "{expected} is expected here, not {found}"
            return error(template, self.text, token.start, token.end, expected=expected, found=found)
        return error("{found} is not expected here", self.text, token.start, token.end, found=found)

    def accept(self, symbol: str) -> bool:
        if self.token.kind == "symbol" and self.token.text == symbol:
            self.position += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        if not self.accept(symbol):
            raise self.unexpected(symbol)

    def span(self, start: int) -> tree.Span:
        end = self.tokens[self.position - 1].end if self.position else start
        line, column = place(self.text, start)
        return tree.Span(start, end, line, column)

    def expression(self, minimum: int) -> tree.Node:
        self.depth += 1
        if self.depth > _DEPTH:
            token = self.token
            raise error("The expression is nested too deeply", self.text, token.start, token.end)
        start = self.token.start
        left = self.unary()
        for _ in self.links():
            if self.token.kind not in ("symbol", "name"):
                break
            operator = self.token.text
            power = BINARY.get(operator, -1)
            if power < minimum or power < 0:
                break
            self.position += 1
            if power == BINARY["is"]:
                left = tree.TypeTest(operator, left, self.type_name(), span=self.span(start))
            else:
                right = self.expression(power + 1)
                left = tree.Binary(operator, left, right, span=self.span(start))
        self.depth -= 1
        return left

    def unary(self) -> tree.Node:
        start = self.token.start
        for sign in "+-":
            if self.accept(sign):
                operand = self.expression(UNARY)
                return tree.Unary(sign, operand, span=self.span(start))
        return self.postfix(self.term(), start)

    def links(self) -> Iterator[None]:
        """As many as a chain may have; ParseError at the next."""
        yield from repeat(None, _LONGEST)
        raise error("The expression is nested too deeply", self.text, self.token.start, self.token.end)

    def postfix(self, node: tree.Node, start: int) -> tree.Node:
        for _ in self.links():
            if self.accept("."):
                if self.token.kind == "variable":
                    raise self.unexpected()
                node = self.invocation(node, start)
            elif self.accept("["):
                index = self.expression(0)
                self.expect("]")
                node = tree.Index(node, index, span=self.span(start))
            else:
                break
        return node

    def term(self) -> tree.Node:
        token = self.token
        if token.kind == "quoted" or (token.kind == "name" and token.text not in ("true", "false")):
            return self.invocation(None, token.start)
        if token.kind == "symbol":
            return self.bracketed()
        if token.kind == "variable" and token.text not in _VARIABLES:
            raise self.unexpected()
        if token.kind == "end":
            raise self.unexpected()
        self.position += 1
        span = self.span(token.start)
        match token.kind:
            case "name":
                return tree.Literal(token.text == "true", span=span)
            case "string":
                return tree.Literal(token.text, span=span)
            case "number":
                return self.number(token)
            case "variable":
                return tree.Variable(token.text[1:], span=span)
            case "date":
                return tree.TemporalLiteral("Date", token.text[1:], span=span)
            case "datetime":
                return tree.TemporalLiteral("DateTime", token.text[1:], span=span)
            case _:
                return tree.TemporalLiteral("Time", token.text[2:], span=span)

    def bracketed(self) -> tree.Node:
        start = self.token.start
        if self.accept("("):
            node = self.expression(0)
            self.expect(")")
            return node
        if self.accept("{"):
            self.expect("}")
            return tree.Empty(span=self.span(start))
        if self.accept("%"):
            if self.token.kind not in ("name", "quoted", "string"):
                raise self.unexpected()
            name = self.token.text
            self.position += 1
            return tree.External(name, span=self.span(start))
        raise self.unexpected()

    def number(self, token: Token) -> tree.Node:
        following = self.token
        if following.kind == "string" or (following.kind == "name" and following.text in CALENDAR):
            self.position += 1
            calendar = following.kind == "name"
            unit = CALENDAR[following.text] if calendar else following.text
            return tree.QuantityLiteral(Decimal(token.text), unit, calendar, span=self.span(token.start))
        value = Decimal(token.text) if "." in token.text else int(token.text)
        return tree.Literal(value, span=self.span(token.start))

    def invocation(self, source: tree.Node | None, start: int) -> tree.Node:
        token = self.token
        if token.kind not in ("name", "quoted") or (token.kind == "name" and token.text in _RESERVED):
            raise self.unexpected()
        self.position += 1
        place = self.span(token.start)
        if not self.accept("("):
            return tree.Member(source, token.text, span=self.span(start), place=place)
        if token.text in _TYPE_FUNCTIONS:
            name = self.type_name()
            self.expect(")")
            return tree.TypeTest(token.text, source, name, span=self.span(start))
        arguments: list[tree.Node] = []
        if not self.accept(")"):
            arguments.append(self.argument(token.text))
            while self.accept(","):
                arguments.append(self.argument(token.text))
            self.expect(")")
        return tree.Call(source, token.text, tuple(arguments), span=self.span(start), place=place)

    def argument(self, function: str) -> tree.Node:
        """An argument; those of ``sort`` may say ``asc`` or ``desc``."""
        start = self.token.start
        node = self.expression(0)
        if function == "sort" and self.token.kind == "name" and self.token.text in ("asc", "desc"):
            self.position += 1
            return tree.Unary(self.tokens[self.position - 1].text, node, span=self.span(start))
        return node

    def type_name(self) -> tree.TypeName:
        start = self.token.start
        parts = [self.identifier()]
        if self.accept("."):
            parts.append(self.identifier())
        return tree.TypeName(parts[0] if len(parts) == 2 else "", parts[-1], span=self.span(start))

    def identifier(self) -> str:
        if self.token.kind not in ("name", "quoted"):
            raise self.unexpected()
        self.position += 1
        return self.tokens[self.position - 1].text
