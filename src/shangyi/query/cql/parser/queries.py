"""Queries and retrieves (https://cql.hl7.org/02-authorsguide.html#queries)."""

from shangyi.query.cql import syntax
from shangyi.query.cql.parser.operators import Operators

_DIRECTIONS = ("asc", "ascending", "desc", "descending")


class Queries(Operators):
    """Queries."""

    def queried(self) -> syntax.Node:
        """A term, or a query where it begins with ``from``, or a source has an alias."""
        start = self.token.start
        if self.accept("from"):
            return self.query(start, explicit=True)
        if self.is_source():
            return self.query(start, explicit=False)
        return self.retrieve() if self.at("[") else self.term()

    def is_source(self) -> bool:
        """Whether a source and its alias stand here: a path, a retrieve or parentheses before a name."""
        token = self.token
        if token.kind == "symbol":
            if token.text not in "([":
                return False
            after = self.closing.get(self.position, len(self.tokens)) + 1
        elif self.is_name(token):
            after = self.position + 1
            while self.tokens[after].text == "." and self.is_name(self.tokens[after + 1]):
                after += 2
        else:
            return False
        return after < len(self.tokens) and self.is_alias(self.tokens[after])

    def source(self) -> syntax.Source:
        """``expression alias``."""
        start = self.token.start
        if self.at("["):
            expression = self.retrieve()
        elif self.accept("("):
            expression = self.expression()
            self.expect(")")
        else:
            expression = syntax.Identifier(self.name("the source of a query"), start=start, end=self.end)
            while self.accept("."):
                expression = syntax.Member(expression, self.name(), start=start, end=self.end)
        if not self.is_alias(self.token):
            raise self.unexpected("an alias", ())
        return syntax.Source(self.advance().text, expression, start=start, end=self.end)

    def query(self, start: int, *, explicit: bool) -> syntax.Node:
        """Sources and clauses; without ``from`` a comma goes on only where another source clearly follows."""
        sources = [self.source()]
        while self.at(",") and (explicit or self._another()):
            self.advance()
            sources.append(self.source())
        lets: list[syntax.Element] = []
        if self.accept("let"):
            lets.append(self.let())
            while self.accept(","):
                lets.append(self.let())
        relationships: list[syntax.Relationship] = []
        while self.at("with", "without"):
            relationships.append(self.relationship())
        where = self.expression() if self.accept("where") else None
        aggregate = self.aggregate() if self.at("aggregate") else None
        returns = self.returned() if aggregate is None and self.at("return") else None
        sort = self.sorted() if self.at("sort") else ()
        return syntax.Query(
            tuple(sources),
            tuple(lets),
            tuple(relationships),
            where,
            aggregate,
            returns,
            sort,
            start=start,
            end=self.end,
        )

    def _another(self) -> bool:
        position = self.position
        self.move(position + 1)
        found = self.is_source()
        self.move(position)
        return found

    def let(self) -> syntax.Element:
        """``name: expression``."""
        start = self.token.start
        name = self.name()
        self.expect(":")
        return syntax.Element(name, self.expression(), start=start, end=self.end)

    def relationship(self) -> syntax.Relationship:
        """``with``, ``without``."""
        start = self.token.start
        negated = self.advance().text == "without"
        source = self.source()
        if not self.accept_words("such", "that"):
            raise self.unexpected("such that", ["such"])
        return syntax.Relationship(source, self.expression(), negated, start=start, end=self.end)

    def returned(self) -> syntax.Return:
        """``return``, ``return all``."""
        start = self.advance().start
        kind = self.accept("all", "distinct")
        return syntax.Return(self.expression(), kind != "all", start=start, end=self.end)

    def aggregate(self) -> syntax.Aggregate:
        """``aggregate``."""
        start = self.advance().start
        kind = self.accept("all", "distinct")
        name = self.name()
        starting: syntax.Node | None = None
        if self.accept("starting"):
            if self.accept("("):
                starting = self.expression()
                self.expect(")")
            elif self.token.kind in ("string", "number", "long"):
                starting = self.literal(ratio=False)
            else:
                starting = self.term()
        self.expect(":")
        expression = self.expression()
        return syntax.Aggregate(name, starting, expression, kind == "distinct", start=start, end=self.end)

    def sorted(self) -> tuple[syntax.SortItem, ...]:
        """``sort desc``, ``sort by a, b desc``."""
        self.advance()
        start = self.token.start
        if self.at(*_DIRECTIONS):
            descending = self.advance().text.startswith("desc")
            return (syntax.SortItem(None, descending, start=start, end=self.end),)
        self.expect("by")
        items = [self.sort_item()]
        while self.accept(","):
            items.append(self.sort_item())
        return tuple(items)

    def sort_item(self) -> syntax.SortItem:
        """One key and its direction."""
        start = self.token.start
        expression = self.term()
        descending = self.accept(*_DIRECTIONS).startswith("desc")
        return syntax.SortItem(expression, descending, start=start, end=self.end)

    def retrieve(self) -> syntax.Node:
        """``[Type: path in codes]``."""
        start = self.token.start
        self.expect("[")
        context: syntax.Node | None = None
        ahead = 1
        while self.follows(".", ahead=ahead):
            ahead += 2
        if self.follows("->", ahead=ahead):
            first = self.token.start
            context = syntax.Identifier(self.name(), start=first, end=self.end)
            while self.accept("."):
                context = syntax.Member(context, self.name(), start=first, end=self.end)
            self.advance()
        type_ = self.named_type()
        path = comparator = codes = None
        if self.accept(":"):
            path, comparator = self.code_path()
            codes = self.expression()
        self.expect("]")
        return syntax.Retrieve(type_, context, path, comparator, codes, start=start, end=self.end)

    def code_path(self) -> tuple[str | None, str | None]:
        """``path in``, ``path ~``, if one stands here."""
        if not self.is_name(self.token):
            return None, None
        after = self.position + 1
        while self.tokens[after].text in (".", "[") and self.tokens[after].kind == "symbol":
            after = after + 2 if self.tokens[after].text == "." else self.closing.get(after, after) + 1
            if after >= len(self.tokens):
                return None, None
        if self.tokens[after].kind == "quoted" or self.tokens[after].text not in ("in", "=", "~"):
            return None, None
        names = [
            token.text
            for token in self.tokens[self.position : after]
            if token.kind in ("name", "quoted") or token.text in ("[", "]") or token.kind == "number"
        ]
        path = ".".join(names).replace(".[.", "[").replace(".]", "]")
        comparator = self.tokens[after].text
        self.move(after + 1)
        return path, comparator
