"""Expression terms: what arithmetic and members are made of."""

from shangyi.query.cql import syntax
from shangyi.query.cql.lexer import PLURALS, PRECISIONS, UNITS
from shangyi.query.cql.parser.literals import Literals

_BINARY = {"^": 3, "*": 2, "/": 2, "div": 2, "mod": 2, "+": 1, "-": 1, "&": 1}
_TIGHT = 4
_COMPONENTS = {*PRECISIONS, "date", "time", "timezone", "timezoneoffset"}
_OF = {"start", "end", "width", "successor", "predecessor"}
_FROM = {"singleton", "point"}
_VARIABLES = {"$this", "$index", "$total"}
_LITERALS = {"number", "long", "string", "date", "datetime", "time"}


class Terms(Literals):
    """Terms, their members, indexes, prefixes and arithmetic."""

    def term(self, minimum: int = 0) -> syntax.Node:
        """A term with the arithmetic that binds at least so tightly."""
        self.deeper()
        start = self.token.start
        left = self.prefixed()
        count = 0
        while self.token.kind in ("symbol", "name"):
            operator = self.token.text
            power = _BINARY.get(operator, -1)
            if power < minimum or power < 0:
                break
            self.longer(count := count + 1)
            self.advance()
            right = self.term(power + 1)
            left = syntax.Binary(operator, left, right, start=start, end=self.end)
        self.depth -= 1
        return left

    def prefixed(self) -> syntax.Node:
        """A term behind its prefix, if it has one."""
        token = self.token
        start = token.start
        if token.kind == "symbol" and token.text in "+-":
            self.advance()
            operand = self.term(_TIGHT)
            return syntax.Unary(token.text, operand, start=start, end=self.end)
        if token.kind == "name":
            found = self.word(token.text, start)
            if found is not None:
                return self.postfix(found, start)
        return self.postfix(self.primary(), start)

    def word(self, word: str, start: int) -> syntax.Node | None:
        """What begins with a word of the language; None where the word is a name here."""
        if (word in _OF and self.follows("of")) or (word in _FROM and self.follows("from")):
            self.move(self.position + 2)
            return syntax.Unary(word, self.term(_TIGHT), start=start, end=self.end)
        if word in _COMPONENTS and self.follows("from"):
            self.move(self.position + 2)
            return syntax.Unary("from", self.term(_TIGHT), word, start=start, end=self.end)
        if word in ("duration", "difference") and self.follows("in") and self.follows("of", ahead=3):
            self.move(self.position + 2)
            precision = self.precision()
            self.advance()
            return syntax.Span(word, precision, self.term(_TIGHT), None, start=start, end=self.end)
        match word:
            case "if":
                return self.if_then(start)
            case "case":
                return self.case(start)
            case "convert":
                return self.convert(start)
            case "distinct" | "flatten":
                self.advance()
                return syntax.Unary(word, self.expression(), start=start, end=self.end)
            case "expand" | "collapse":
                return self.per(word, start)
            case "minimum" | "maximum":
                self.advance()
                return syntax.TypeOperation(word, None, self.named_type(), start=start, end=self.end)
        return None

    def precision(self) -> str:
        """``days``: its singular."""
        if not self.at(*PLURALS):
            raise self.unexpected("years, months, weeks, days …", PLURALS)
        return PLURALS[self.advance().text]

    def if_then(self, start: int) -> syntax.Node:
        """``if``."""
        self.advance()
        condition = self.expression()
        self.expect("then")
        then = self.expression()
        self.expect("else")
        return syntax.If(condition, then, self.expression(), start=start, end=self.end)

    def case(self, start: int) -> syntax.Node:
        """``case``."""
        self.advance()
        comparand = None if self.at("when") else self.expression()
        items: list[tuple[syntax.Node, syntax.Node]] = []
        while self.accept("when"):
            when = self.expression()
            self.expect("then")
            items.append((when, self.expression()))
        if not items:
            raise self.unexpected("when", ["when"])
        self.expect("else")
        otherwise = self.expression()
        self.expect("end")
        return syntax.Case(comparand, tuple(items), otherwise, start=start, end=self.end)

    def convert(self, start: int) -> syntax.Node:
        """``convert x to T``, ``convert x to 'mg'``."""
        self.advance()
        operand = self.expression()
        self.expect("to")
        if self.token.kind == "string" or self.at(*UNITS):
            return syntax.ConvertUnit(operand, self.advance().text, start=start, end=self.end)
        return syntax.TypeOperation("convert", operand, self.type_specifier(), start=start, end=self.end)

    def per(self, word: str, start: int) -> syntax.Node:
        """``expand x per day``."""
        self.advance()
        operand = self.expression()
        per: syntax.Node | None = None
        if self.accept("per"):
            if self.at(*UNITS):
                unit = self.advance()
                per = syntax.Quantity("1", UNITS[unit.text], True, start=unit.start, end=unit.end)
            else:
                per = self.expression()
        return syntax.Per(word, operand, per, start=start, end=self.end)

    def postfix(self, node: syntax.Node, start: int) -> syntax.Node:
        """Members, calls and indexes behind a term."""
        count = 0
        while True:
            if self.at("."):
                self.advance()
                node = self.invocation(node, start)
            elif self.at("["):
                self.advance()
                index = self.expression()
                self.expect("]")
                node = syntax.Index(node, index, start=start, end=self.end)
            else:
                return node
            self.longer(count := count + 1)

    def invocation(self, source: syntax.Node, start: int) -> syntax.Node:
        """A member or a call behind a dot; functions may have any word for a name."""
        token = self.token
        if token.kind not in ("name", "quoted"):
            raise self.unexpected("a name", ())
        if self.follows("("):
            self.advance()
            return syntax.Call(source, token.text, self.arguments(), start=start, end=self.end)
        return syntax.Member(source, self.name(), start=start, end=self.end)

    def arguments(self) -> tuple[syntax.Node, ...]:
        """``( … )``."""
        self.expect("(")
        found: list[syntax.Node] = []
        if not self.at(")"):
            found.append(self.expression())
            while self.accept(","):
                found.append(self.expression())
        self.expect(")")
        return tuple(found)

    def primary(self) -> syntax.Node:
        """A term without prefix or postfix."""
        token = self.token
        start = token.start
        if token.kind in _LITERALS or self.at("true", "false", "null"):
            return self.literal()
        if token.kind == "variable" and token.text in _VARIABLES:
            self.advance()
            return syntax.Variable(token.text, start=start, end=token.end)
        if token.kind == "symbol":
            return self.bracketed(start)
        if token.kind == "name" and (selector := self.selector(token.text, start)) is not None:
            return selector
        if self.is_name(token):
            return self.named(start)
        raise self.unexpected("an expression")

    def bracketed(self, start: int) -> syntax.Node:
        """What begins with a symbol."""
        if self.accept("("):
            node = self.expression()
            self.expect(")")
            return node
        if self.at("{"):
            return self.braces(start)
        if self.accept("%"):
            if self.token.kind not in ("name", "quoted", "string"):
                raise self.unexpected("a name", ())
            return syntax.External(self.advance().text, start=start, end=self.end)
        raise self.unexpected("an expression")

    def selector(self, word: str, start: int) -> syntax.Node | None:
        """``Interval[``, ``Tuple {``, ``List<T> {``, ``Code '…'``, ``Concept {``; None where it is a name."""
        match word:
            case "Interval":
                self.advance()
                return self.interval()
            case "Tuple":
                self.advance()
                return syntax.Tuple(self.elements(), start=start, end=self.end)
            case "List":
                self.advance()
                element = None
                if self.accept("<"):
                    element = self.type_specifier()
                    self.expect(">")
                return self.list_of(element, start)
            case "Code" if self.peek().kind == "string":
                return self.code()
            case "Concept" if self.follows("{") and self.follows("Code", ahead=2):
                return self.concept()
            case "Code" | "Concept" if self.follows("{"):
                type_ = self.named_type()
                return syntax.Instance(type_, self.elements(), start=start, end=self.end)
        return None

    def named(self, start: int) -> syntax.Node:
        """A name, a call, or an instance of a named type."""
        ahead = 1
        while self.follows(".", ahead=ahead) and self.peek(ahead + 1).kind in ("name", "quoted"):
            ahead += 2
        if self.follows("{", ahead=ahead):
            type_ = self.named_type()
            return syntax.Instance(type_, self.elements(), start=start, end=self.end)
        token = self.advance()
        if self.at("("):
            return syntax.Call(None, token.text, self.arguments(), start=start, end=self.end)
        return syntax.Identifier(token.text, start=start, end=token.end)
