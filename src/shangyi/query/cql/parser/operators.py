"""Operators between expressions, loosest first as in the grammar's table of precedence."""

from shangyi.query.cql import syntax
from shangyi.query.cql.lexer import PLURALS
from shangyi.query.cql.parser.timing import Timing

IMPLIES, OR, AND, MEMBERSHIP, EQUALITY, TIMING, INEQUALITY, SET, BETWEEN, PREFIX, TYPE = range(1, 12)
BINARY = {
    "implies": IMPLIES,
    "or": OR,
    "xor": OR,
    "and": AND,
    "in": MEMBERSHIP,
    "contains": MEMBERSHIP,
    "=": EQUALITY,
    "!=": EQUALITY,
    "~": EQUALITY,
    "!~": EQUALITY,
    "<=": INEQUALITY,
    "<": INEQUALITY,
    ">": INEQUALITY,
    ">=": INEQUALITY,
    "|": SET,
    "union": SET,
    "intersect": SET,
    "except": SET,
}
_STATES = ("null", "true", "false")


class Operators(Timing):
    """Expressions."""

    def expression(self, minimum: int = 0) -> syntax.Node:
        """An expression whose operators bind at least so tightly as ``minimum``."""
        self.deeper()
        start = self.token.start
        left = self.before()
        count = 0
        while True:
            node = self.after(left, start, minimum)
            if node is None:
                break
            self.longer(count := count + 1)
            left = node
        self.depth -= 1
        return left

    def before(self) -> syntax.Node:
        """What stands before the first operator."""
        start = self.token.start
        if self.token.kind == "name":
            word = self.token.text
            if word in ("not", "exists"):
                self.advance()
                return syntax.Unary(word, self.expression(PREFIX), start=start, end=self.end)
            if word == "cast":
                self.advance()
                operand = self.expression(TYPE + 1)
                self.expect("as")
                return syntax.TypeOperation(word, operand, self.type_specifier(), start=start, end=self.end)
            if word in PLURALS and self.follows("between"):
                return self.between_dates("duration", start)
            if word in ("duration", "difference") and self.follows("in") and self.follows("between", ahead=3):
                self.move(self.position + 2)
                return self.between_dates(word, start)
        return self.queried()

    def between_dates(self, operator: str, start: int) -> syntax.Node:
        """``days between a and b``."""
        precision = self.precision()
        self.expect("between")
        low = self.term()
        self.expect("and")
        return syntax.Span(operator, precision, low, self.term(), start=start, end=self.end)

    def after(self, left: syntax.Node, start: int, minimum: int) -> syntax.Node | None:
        """``left`` with the operator that follows and what is right of it; None where none follows that binds."""
        token = self.token
        if token.kind not in ("name", "symbol", "number"):
            return None
        word = token.text
        if word in ("is", "as"):
            return self.typed(left, start) if minimum <= TYPE else None
        if word == "between" or (word == "properly" and self.follows("between")):
            return self.between(left, start) if minimum <= BETWEEN else None
        power = BINARY.get(word, 0)
        if power:
            if power < minimum:
                return None
            self.advance()
            precision = self.precision_of() if power == MEMBERSHIP else None
            right = self.expression(power + 1)
            return syntax.Binary(word, left, right, precision, start=start, end=self.end)
        if minimum > TIMING:
            return None
        phrase = self.phrase()
        if phrase is None:
            return None
        right = self.expression(TIMING + 1)
        return syntax.Timing(phrase, left, right, start=start, end=self.end)

    def typed(self, left: syntax.Node, start: int) -> syntax.Node:
        """``is null``, ``is not true``, ``is T``, ``as T``."""
        word = self.advance().text
        if word == "is":
            negated = self.at("not")
            if negated:
                self.advance()
            if self.at(*_STATES):
                node: syntax.Node = syntax.Unary(f"is {self.advance().text}", left, start=start, end=self.end)
                return syntax.Unary("not", node, start=start, end=self.end) if negated else node
            if negated:
                raise self.unexpected("null, true or false", _STATES)
        return syntax.TypeOperation(word, left, self.type_specifier(), start=start, end=self.end)

    def between(self, left: syntax.Node, start: int) -> syntax.Node:
        """``x properly between low and high``."""
        properly = bool(self.accept("properly"))
        self.expect("between")
        low = self.term()
        self.expect("and")
        return syntax.Between(left, low, self.term(), properly, start=start, end=self.end)

    def queried(self) -> syntax.Node:
        """A term, a retrieve, or a query."""
        raise NotImplementedError
